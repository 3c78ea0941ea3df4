"""What ``spanwire bench trace`` compares: the SDK's trace module and ours, and the providers that each makes.

A side is made anew for a case and closed after it, so that no case meets the threads or queues of another.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from types import TracebackType

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import Tracer
    from typing_extensions import Self

__all__ = ["MODULES", "SCOPE", "NullExporter", "Side"]

MODULES = {"official": "opentelemetry.sdk.trace", "spanwire": "spanwire.trace"}
SCOPE = ("bench", "1.0")  # instrumentation scope of every tracer

# What is kept of our finished frames: little enough that the queue is at its bound soon, and drops as it goes.
_KEPT_BYTES = 512 << 10


class NullExporter(SpanExporter):
    """Takes everything and does nothing with it."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Answer that all went well."""
        return SpanExportResult.SUCCESS


@dataclass(slots=True)
class Side:
    """One of MODULES; a context manager that shuts down every provider it made."""

    name: str
    trace: Any = field(init=False)
    _made: list[TracerProvider] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Raise ImportError where the module is missing."""
        self.trace = importlib.import_module(MODULES[self.name])

    @property
    def ours(self) -> bool:
        return self.name == "spanwire"

    def tracer(self, *processors: SpanProcessor, sampler: Sampler | None = None) -> Tracer:
        """Of a provider of its own with these processors and, unless told otherwise, a sampler that takes all."""
        return self.provider(*processors, sampler=sampler).get_tracer(*SCOPE)

    def provider(self, *processors: SpanProcessor, sampler: Sampler | None = None) -> TracerProvider:
        provider: TracerProvider = self.trace.TracerProvider(
            sampler=sampler or self.sampling.ALWAYS_ON, shutdown_on_exit=False
        )
        self._made.append(provider)
        for processor in processors:
            provider.add_span_processor(processor)
        return provider

    def discarding(self, sampler: Sampler | None = None) -> Tracer:
        """A tracer whose finished spans come to nothing: what the headline compares."""
        return self.discarding_provider(sampler).get_tracer(*SCOPE)

    def discarding_provider(self, sampler: Sampler | None = None) -> TracerProvider:
        """The SDK: a processor that does nothing. Ours: the whole native way, up to a queue that overflows."""
        return self.provider(self._overflowing() if self.ours else self.noop(), sampler=sampler)

    def _overflowing(self) -> SpanProcessor:
        """Takes finished frames, as our batch processor does, and sends none: the oldest go when the next ones come."""
        from spanwire.cli.toolkit import discarding_processor

        return discarding_processor(_KEPT_BYTES)

    def noop(self) -> SpanProcessor:
        """A processor that overrides nothing."""
        processor: SpanProcessor = self.trace.SpanProcessor()
        return processor

    def listening(self) -> SpanProcessor:
        """A processor in Python that overrides ``on_start`` and ``on_end``, and does nothing in them."""

        class Listening(self.trace.SpanProcessor):  # type: ignore[misc, name-defined]  # a module that is chosen at run time
            def on_start(self, span: Span, parent_context: Context | None = None) -> None:
                pass

            def on_end(self, span: ReadableSpan) -> None:
                pass

        processor: SpanProcessor = Listening()
        return processor

    def batching(self) -> SpanProcessor:
        """The side's batch processor as it is by default, with an exporter of its own kind that does nothing."""
        if not self.ours:
            return self.sdk_batching()
        from spanwire.cli.toolkit import discarding_exporter
        from spanwire.trace.export import BatchSpanProcessor as Ours

        return Ours(discarding_exporter())

    def sdk_batching(self) -> SpanProcessor:
        """The SDK's batch processor, with an exporter that does nothing."""
        return BatchSpanProcessor(NullExporter())

    @property
    def sampling(self) -> Any:
        return importlib.import_module(f"{self.trace.__name__}.sampling")

    def close(self) -> None:
        while self._made:
            self._made.pop().shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
