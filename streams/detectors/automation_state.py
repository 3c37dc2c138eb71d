"""What is remembered of how one subject or key asks: counts, pauses and prompts; it judges nothing."""

import msgspec


class Pauses(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How alike successive pauses are; a pause reaches from the start of one burst to the start of the next."""

    start: float = 0.0
    """Start of the running burst, epoch seconds."""
    last: float = 0.0
    """The pause before it, seconds; 0 if there is none to compare with."""
    weak: float = 0.0
    """R of the small bet on equal pauses."""
    strong: float = 0.0
    """R of the large one."""
    since: int = 0
    """Epoch seconds at which the bets began to win, Page's estimate of where regularity began; 0 while they lose."""
    judged: int = 0
    """Pauses since then."""
    same: int = 0
    """Those as long as the one before."""

    @property
    def evidence(self) -> float:
        """Mean R of the bets."""
        return (self.weak + self.strong) / 2.0


class Prompts(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How often the first prompt of ten minutes is the one used most: a majority vote and a bet on it."""

    slot: int
    """The ten minutes counted last, since the epoch."""
    prompt: str
    """First eight digits of the candidate's hash."""
    votes: int = 1
    """For the candidate, less those against it."""
    evidence: float = 0.0
    """R of the bet."""
    since: int = 0
    """Epoch seconds at which the bet began to win; 0 while it loses."""
    judged: int = 0
    """Slots since then."""
    same: int = 0
    """Those that began with the candidate."""


NO_PAUSES = Pauses()


class AutomationState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One subject or api key. Without evidence it encodes to about 90 bytes."""

    at: float = 0.0
    """Latest request, epoch seconds."""
    hour: int = 0
    """The clock hour that is counted, since the epoch."""
    in_hour: int = 0
    """Requests in it."""
    in_day: int = 0
    """Requests in its day."""
    awake_since: int = 0
    """The first request after the last rest, epoch seconds."""
    pauses: Pauses = NO_PAUSES
    prompts: Prompts | None = None
    """Set by the first prompt with a hash."""
    told: int = 0
    """Signs told, as a sum of their bits."""
    told_at: int = 0
    """When a sign was last told, epoch seconds."""
    evidence: tuple[str, ...] = ()
    """Event ids, newest first; none while nothing looks like a program."""
    subjects: tuple[int, ...] = ()
    """For api keys: CRC-32 of the subjects that use it, at most one more than `key_subjects`."""
