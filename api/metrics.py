"""The API's metrics, one typed list; labels are routes, methods and codes, never anything that a caller sent."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """The instruments of one API process, in a registry of their own or in the one given."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._requests = Counter(
            "watchfloor_api_requests", "Answered requests", ("method", "route", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "watchfloor_api_request_seconds", "Time to the end of the answer", ("route",), registry=self.registry
        )
        self._items = Counter(
            "watchfloor_api_ingested_items", "Ingested items", ("format", "status"), registry=self.registry
        )
        self._records = Counter(
            "watchfloor_api_tail_records", "Records read from the log", ("topic", "status"), registry=self.registry
        )
        self._cut = Counter(
            "watchfloor_api_streams_cut", "Streams ended for reading too slowly", registry=self.registry
        )
        self._sizes = Gauge("watchfloor_api_view_size", "Entries in memory", ("view",), registry=self.registry)
        self.accepted = 0

    def answered(self, method: str, route: str, *, status: int, seconds: float) -> None:
        """A request is over; `status` 0 means that the client left first."""
        self._requests.labels(method if method in _METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def ingested(self, wire_format: str, *, accepted: int, rejected: int) -> None:
        """A request's items were judged."""
        self.accepted += accepted
        self._items.labels(wire_format, "accepted").inc(accepted)
        self._items.labels(wire_format, "rejected").inc(rejected)

    def read(self, topic: str, status: str) -> None:
        """A record was read: `applied`, or `unreadable` and left out."""
        self._records.labels(topic, status).inc()

    def cut(self) -> None:
        """A slow client was cut."""
        self._cut.inc()

    def sized(self, view: str, size: int) -> None:
        """How many entries a view holds now."""
        self._sizes.labels(view).set(size)

    def text(self) -> bytes:
        """The exposition for Prometheus."""
        return generate_latest(self.registry)
