"""Received log records, metrics and profiles: views that decode the bytes of their request when they are read."""

from typing import Any, Literal

from spanwire._native import ReceivedItem

__all__ = ["ReceivedLog", "ReceivedMetric", "ReceivedPoint", "ReceivedProfile", "Signal"]

Signal = Literal["traces", "logs", "metrics", "profiles"]
"""What a request carries."""

MetricKind = Literal["gauge", "sum", "histogram", "exponential_histogram", "summary"]

_TEMPORALITIES = {0: None, 1: "delta", 2: "cumulative"}


class _View:
    """What the views share: the item, and the resource and scope around it. Each is decoded once, on first use."""

    __slots__ = ("_fields", "_item", "_resource", "_scope")

    def __init__(self, item: ReceivedItem) -> None:
        self._item = item
        self._fields: dict[str, Any] | None = None
        self._resource: dict[str, Any] | None = None
        self._scope: dict[str, Any] | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """All fields by their names in the .proto files; absent ones have their default, and None in a ``oneof``."""
        if self._fields is None:
            self._fields = self._item.fields()
        return self._fields

    @property
    def serialized(self) -> bytes:
        """The item as it was on the wire: a serialized message."""
        return self._item.serialized

    @property
    def _resource_group(self) -> dict[str, Any]:
        if self._resource is None:
            self._resource = self._item.resource()
        return self._resource

    @property
    def _scope_group(self) -> dict[str, Any]:
        if self._scope is None:
            self._scope = self._item.scope()
        return self._scope

    @property
    def resource_attributes(self) -> dict[str, Any]:
        """The attributes of the resource that sent it."""
        resource = self._resource_group["resource"]
        return {} if resource is None else dict(resource["attributes"])

    @property
    def resource_schema_url(self) -> str:
        """The schema of the resource's attributes; empty if there is none."""
        return str(self._resource_group["schema_url"])

    @property
    def scope_name(self) -> str:
        """The name of the instrumentation scope that made it; empty if there is none."""
        return str((self._scope_group["scope"] or {}).get("name", ""))

    @property
    def scope_version(self) -> str:
        """The version of the scope; empty if there is none."""
        return str((self._scope_group["scope"] or {}).get("version", ""))

    @property
    def scope_attributes(self) -> dict[str, Any]:
        """The attributes of the scope."""
        return dict((self._scope_group["scope"] or {}).get("attributes", {}))

    @property
    def scope_schema_url(self) -> str:
        """The schema of the scope's items; empty if there is none."""
        return str(self._scope_group["schema_url"])


class ReceivedLog(_View):
    """A log record as it was received; ids are lower-case hex, times are nanoseconds since the Unix epoch."""

    __slots__ = ()

    @property
    def time(self) -> int:
        """When it happened; 0 if the sender does not know."""
        return int(self.fields["time_unix_nano"])

    @property
    def observed_time(self) -> int:
        """When the sender saw it."""
        return int(self.fields["observed_time_unix_nano"])

    @property
    def severity_number(self) -> int:
        """OTLP's number: 1 to 24, 9 is INFO and 17 ERROR; 0 if there is none."""
        return int(self.fields["severity_number"])

    @property
    def severity_text(self) -> str:
        """The severity as the sender calls it; empty if there is none."""
        return str(self.fields["severity_text"])

    @property
    def body(self) -> Any:
        """The body: str, bool, int, float, bytes, tuple, dict or None."""
        return self.fields["body"]

    @property
    def attributes(self) -> dict[str, Any]:
        """A dict in the order of the wire."""
        return dict(self.fields["attributes"])

    @property
    def dropped_attributes_count(self) -> int:
        """Attributes that the sender dropped."""
        return int(self.fields["dropped_attributes_count"])

    @property
    def event_name(self) -> str:
        """The name of an event; empty if it is none."""
        return str(self.fields["event_name"])

    @property
    def flags(self) -> int:
        """W3C trace flags in the low byte."""
        return int(self.fields["flags"])

    @property
    def trace_id(self) -> str | None:
        """32 hex digits; None outside of a trace."""
        return self.fields["trace_id"] or None

    @property
    def span_id(self) -> str | None:
        """16 hex digits; None outside of a span."""
        return self.fields["span_id"] or None

    def __repr__(self) -> str:
        return f"<ReceivedLog {self.severity_text or self.severity_number} {self.body!r}>"


class ReceivedPoint:
    """A data point of a metric. ``fields`` has what only one kind of metrics has, by the names in the .proto files."""

    __slots__ = ("fields", "metric")

    def __init__(self, metric: "ReceivedMetric", fields: dict[str, Any]) -> None:
        self.metric = metric
        self.fields = fields

    @property
    def attributes(self) -> dict[str, Any]:
        """A dict in the order of the wire."""
        return dict(self.fields["attributes"])

    @property
    def start_time(self) -> int:
        """When its interval began, in nanoseconds since the Unix epoch; 0 if the sender does not know."""
        return int(self.fields["start_time_unix_nano"])

    @property
    def time(self) -> int:
        """When its interval ended, in nanoseconds since the Unix epoch."""
        return int(self.fields["time_unix_nano"])

    @property
    def value(self) -> int | float | None:
        """The number of a gauge or sum; None of other kinds, and where nothing was recorded."""
        number: int | float | None = self.fields.get("as_int")
        return self.fields.get("as_double") if number is None else number

    @property
    def count(self) -> int | None:
        """Values in a histogram or summary; None of other kinds."""
        return self.fields.get("count")

    @property
    def sum(self) -> float | None:
        """Their sum; None of other kinds, and where it was not sent."""
        return self.fields.get("sum")

    @property
    def bucket_counts(self) -> list[int]:
        """Values in each bucket of a histogram with explicit bounds."""
        return list(self.fields.get("bucket_counts", ()))

    @property
    def explicit_bounds(self) -> list[float]:
        """The upper bounds of all buckets but the last."""
        return list(self.fields.get("explicit_bounds", ()))

    def __repr__(self) -> str:
        value = self.value if self.count is None else f"count {self.count}, sum {self.sum}"
        return f"<ReceivedPoint of {self.metric.name!r}: {value} {self.attributes!r}>"


class ReceivedMetric(_View):
    """A metric as it was received, with its data points."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name."""
        return str(self.fields["name"])

    @property
    def description(self) -> str:
        """The description; empty if there is none."""
        return str(self.fields["description"])

    @property
    def unit(self) -> str:
        """The unit; empty if there is none."""
        return str(self.fields["unit"])

    @property
    def metadata(self) -> dict[str, Any]:
        """Attributes of the metric itself."""
        return dict(self.fields["metadata"])

    @property
    def kind(self) -> MetricKind | None:
        """The kind of its data; None if there are none."""
        kinds: tuple[MetricKind, ...] = ("gauge", "sum", "histogram", "exponential_histogram", "summary")
        return next((kind for kind in kinds if self.fields[kind] is not None), None)

    @property
    def temporality(self) -> str | None:
        """``"delta"`` or ``"cumulative"``; None of a gauge or summary, or if it was not said."""
        return _TEMPORALITIES.get(self._data.get("aggregation_temporality", 0))

    @property
    def is_monotonic(self) -> bool:
        """Whether a sum only grows."""
        return bool(self._data.get("is_monotonic", False))

    @property
    def points(self) -> list[ReceivedPoint]:
        """The data points in the order of the wire."""
        return [ReceivedPoint(self, fields) for fields in self._data.get("data_points", ())]

    @property
    def _data(self) -> dict[str, Any]:
        kind = self.kind
        return {} if kind is None else self.fields[kind]

    def __repr__(self) -> str:
        return f"<ReceivedMetric {self.name!r}, {self.kind}, {len(self.points)} data points>"


class ReceivedProfile(_View):
    """A profile as it was received. Its ``fields`` refer by index to the dictionary in the body of its request."""

    __slots__ = ()

    @property
    def profile_id(self) -> str:
        """Hex digits; empty if there is none."""
        return bytes(self.fields["profile_id"]).hex()

    @property
    def time(self) -> int:
        """When it began, in nanoseconds since the Unix epoch."""
        return int(self.fields["time_unix_nano"])

    @property
    def duration(self) -> int:
        """How long it lasted, in nanoseconds."""
        return int(self.fields["duration_nano"])

    @property
    def sample_count(self) -> int:
        """Its samples."""
        return len(self.fields["samples"])

    def __repr__(self) -> str:
        return f"<ReceivedProfile {self.profile_id}, {self.sample_count} samples>"
