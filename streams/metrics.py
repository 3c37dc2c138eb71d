"""Every metric of the worker, in one typed list. No label ever holds a subject, a session or a key."""

from prometheus_client import Counter, Gauge, Histogram

EVENTS = Counter(
    "watchfloor_events", "Records read from the event topics, by what became of them.", ["topic", "outcome"]
)
SIGNALS = Counter("watchfloor_signals", "Signals emitted.", ["detector", "level"])
DECISIONS = Counter("watchfloor_decisions", "Decisions taken.", ["measure"])
HELD = Counter("watchfloor_held", "Signals that led to no measure, by reason.", ["reason"])
COMMANDS = Counter("watchfloor_commands", "Commands carried out or refused.", ["kind", "outcome"])
DELIVERIES = Counter("watchfloor_deliveries", "Notifications tried.", ["outcome"])
DEAD_LETTERS = Counter("watchfloor_dead_letters", "Records set aside.", ["topic", "kind"])
LAG = Gauge(
    "watchfloor_lag_records", "Records of a partition that its last fetch knew of and that are not applied.",
    ["topic", "partition"],
)  # fmt: skip
LANES = Gauge("watchfloor_lanes", "Open lanes of this worker.", ["agent"])
KEYS = Gauge("watchfloor_state_keys", "Keys held in memory.", ["agent", "kind"])
LATE_COUNTS = Counter("watchfloor_late_counts", "Series counts that arrived after their step was closed.", [])
BATCH_SECONDS = Histogram("watchfloor_batch_seconds", "Time to apply one batch.", ["agent"])
FLUSH_SECONDS = Histogram("watchfloor_flush_seconds", "Time to make one lane durable.", ["agent"])
FLUSH_RECORDS = Counter("watchfloor_flush_records", "Records written by flushes.", ["agent"])

METRICS = (
    EVENTS,
    SIGNALS,
    DECISIONS,
    HELD,
    COMMANDS,
    DELIVERIES,
    DEAD_LETTERS,
    LAG,
    LANES,
    KEYS,
    LATE_COUNTS,
    BATCH_SECONDS,
    FLUSH_SECONDS,
    FLUSH_RECORDS,
)
