"""The exporter's metrics about itself: ``otel.sdk.exporter.*``, behind OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED."""

from collections import Counter
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from opentelemetry.metrics import get_meter_provider
from opentelemetry.sdk.trace.export import SpanExportResult

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from spanwire.exporter._verdict import Verdict

__all__ = ["ExporterMetrics"]

T = TypeVar("T")

_made: Counter[str] = Counter()


class ExporterMetrics:
    """Counts spans under way and exported, and times the exports of one exporter.

    The names are the semantic conventions' (``opentelemetry.semconv``), spelled out because they are still incubating and
    may move, and described in their words: a meter warns of an instrument that the SDK describes otherwise. ``error.type`` is the
    drop reason of ``spanwire.stats()``; what a partial success rejects is counted so, as the conventions ask.
    """

    def __init__(self, component_type: str, endpoint: str, meter_provider: "MeterProvider | None") -> None:
        number = _made[component_type]
        _made[component_type] += 1
        self._attributes: dict[str, Any] = {
            "otel.component.type": component_type,
            "otel.component.name": f"{component_type}/{number}",
        }
        parts = urlsplit(endpoint)
        if parts.hostname:
            self._attributes["server.address"] = parts.hostname
        self._attributes["server.port"] = parts.port or (443 if parts.scheme == "https" else 80)
        meter = (meter_provider or get_meter_provider()).get_meter("opentelemetry-sdk")
        self._inflight = meter.create_up_down_counter(
            "otel.sdk.exporter.span.inflight",
            "{span}",
            "The number of spans which were passed to the exporter, but that have not been exported yet (neither successful, nor failed).",
        )
        self._exported = meter.create_counter(
            "otel.sdk.exporter.span.exported",
            "{span}",
            "The number of spans for which the export has finished, either successful or failed.",
        )
        self._duration = meter.create_histogram(
            "otel.sdk.exporter.operation.duration", "s", "The duration of exporting a batch of telemetry records."
        )

    def measure(self, export: "Callable[[Sequence[T]], Verdict]", spans: Sequence[T]) -> SpanExportResult:
        """Run ``export`` and record it."""
        count = len(spans) if hasattr(spans, "__len__") else 0
        begin = perf_counter()
        self._inflight.add(count, self._attributes)
        lost: str | None = "internal"
        rejected = 0
        try:
            lost, rejected = export(spans)
        finally:
            self._inflight.add(-count, self._attributes)
            rejected = min(rejected, count) if lost is None else 0
            attributes = self._attributes if lost is None else {**self._attributes, "error.type": lost}
            self._exported.add(count - rejected, attributes)
            if rejected:
                # Of the operation, too: anything but full success is a failure to the conventions.
                attributes = {**self._attributes, "error.type": "rejected"}
                self._exported.add(rejected, attributes)
            self._duration.record(perf_counter() - begin, attributes)
        return SpanExportResult.SUCCESS if lost is None else SpanExportResult.FAILURE
