"""From a span to a backend, by the SDK with the official exporter and by ours alone: what benchmarks of whole pipelines run."""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spanwire_bench._trace_sides import MODULES, SCOPE

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

__all__ = ["NAMES", "TITLES", "Pipeline", "quiet"]

NAMES = tuple(MODULES)
TITLES = {"official": "SDK", "spanwire": "spanwire"}

_EXPORTERS = {
    "official": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "spanwire": "spanwire.exporter.http",
}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A provider whose spans a processor, a batch one unless told otherwise, sends by OTLP over HTTP, everything by one of NAMES.

    What is not given is that side's default, as is ``max_queue_size``: 2,048 spans of the SDK's, 64 MiB of ours.
    """

    side: str
    provider: TracerProvider
    processor: Any

    @classmethod
    def to(
        cls, endpoint: str, side: str, *, max_queue_size: int | None = None, simple: bool = False, **options: Any
    ) -> Pipeline:
        """A new one, ``options`` being those of its provider; raises ImportError where the official exporter is missing."""
        trace = importlib.import_module(MODULES[side])
        export = importlib.import_module(f"{MODULES[side]}.export")
        exporter = importlib.import_module(_EXPORTERS[side]).OTLPSpanExporter(endpoint=endpoint)
        if simple:
            processor = export.SimpleSpanProcessor(exporter)
        else:
            processor = export.BatchSpanProcessor(exporter, max_queue_size=max_queue_size)
        provider = trace.TracerProvider(shutdown_on_exit=False, **options)
        provider.add_span_processor(processor)
        return cls(side, provider, processor)

    @property
    def tracer(self) -> Tracer:
        return self.provider.get_tracer(*SCOPE)

    def flush(self) -> bool:
        """Send what has ended."""
        return self.provider.force_flush(60_000)

    def queued(self) -> int | None:
        """Finished spans that wait; None where this SDK does not say."""
        if self.side == "spanwire":
            import spanwire

            waiting: list[int] = [one["queued"] for one in spanwire.stats()["traces"].values()]
            return sum(waiting)
        queue = getattr(getattr(self.processor, "_batch_processor", None), "_queue", None)
        return None if queue is None else len(queue)


def quiet() -> None:
    """No word of failed exports or full queues: they are wanted here."""
    for name in ("opentelemetry", "spanwire"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
