"""The exporter's metrics about itself: ``otel.sdk.exporter.*``, behind OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakMethod

from opentelemetry.metrics import get_meter_provider
from opentelemetry.sdk.trace.export import SpanExportResult

from spanwire.exporter._common.verdict import Verdict

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

    from spanwire._native import HttpClient

__all__ = ["ExporterMetrics"]

T = TypeVar("T")

_made: Counter[str] = Counter()


class ExporterMetrics:
    """Counts spans under way and exported, and times the exports of one exporter.

    The names are the semantic conventions' (``opentelemetry.semconv``), spelled out because they are still incubating and
    may move, and described in their words: a meter warns of an instrument that the SDK describes otherwise. ``error.type`` is the
    drop reason of ``spanwire.stats()``, whose counts these are: of a request that was divided, what was taken and what was not, and
    what a partial success rejects as errors, as the conventions ask.
    """

    def __init__(
        self, component_type: str, endpoint: str, meter_provider: "MeterProvider | None", client: "HttpClient"
    ) -> None:
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
        self._client = client
        client.keep_ledger()
        method = WeakMethod(self.record)

        def look(_: "CallbackOptions") -> "tuple[Observation, ...]":
            record = method()
            if record is not None:
                record()
            return ()

        # It has no values, and so is never exported: readers call it before they collect what was recorded.
        meter.create_observable_gauge("spanwire.exporter.look", [look])

    def measure(self, export: "Callable[[Sequence[T]], Verdict]", spans: Sequence[T]) -> SpanExportResult:
        """Run ``export`` and record it."""
        count = len(spans) if hasattr(spans, "__len__") else 0
        begin = perf_counter()
        self._inflight.add(count, self._attributes)
        lost, rejected, losses = Verdict("internal", 0, {})
        try:
            lost, rejected, losses = export(spans)
        finally:
            self._inflight.add(-count, self._attributes)
            error = self._count(count, lost, {**losses, "rejected": rejected})
            self._duration.record(perf_counter() - begin, self._with_error(error))
        return SpanExportResult.SUCCESS if lost is None else SpanExportResult.FAILURE

    def record(self) -> None:
        """Record what became of what the native worker has sent since the last call."""
        begun, exported, losses, ended = self._client.take_ledger()
        if begun:
            self._inflight.add(begun, self._attributes)
        gone = exported + sum(losses.values())
        if gone:
            self._inflight.add(-gone, self._attributes)
        if exported:
            self._exported.add(exported, self._attributes)
        for reason, spans in losses.items():
            self._exported.add(spans, self._with_error(reason))
        for seconds, lost in ended:
            self._duration.record(seconds, self._with_error(lost))

    def _with_error(self, reason: str | None) -> dict[str, Any]:
        return self._attributes if reason is None else {**self._attributes, "error.type": reason}

    def _count(self, count: int, lost: str | None, losses: Mapping[str, int]) -> str | None:
        """Count ``count`` spans, of which so many were lost by reason, as ``spanwire.stats()`` does; the error of the whole operation.

        Anything but full success is a failure to the conventions.
        """
        rest = count
        for reason, said in losses.items():
            spans = min(said, rest)
            if spans > 0:
                rest -= spans
                self._exported.add(spans, self._with_error(reason))
                lost = lost or reason
        # A loss of which nobody knows how much it is: all.
        is_all = lost is not None and rest == count
        if rest or not count:
            self._exported.add(rest, self._with_error(lost if is_all else None))
        return lost
