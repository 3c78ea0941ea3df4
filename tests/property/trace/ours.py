"""Our side: ``spanwire.trace`` with a queue of finished frames behind it, as a pipeline of ours has one."""

from typing import Any

import spanwire.resources
import spanwire.trace
import spanwire.trace.id_generator
import spanwire.trace.sampling
from spanwire._facade.tracing import when_all_have_seen
from spanwire._native import FrameQueue
from tests.property.trace.sides import Side, Tap

__all__ = ["OURS"]


class _FrameTap(spanwire.trace.SpanProcessor):
    """Keeps finished frames where the native tracer appends them; it is called only by processors that stand between."""

    def __init__(self) -> None:
        self._queue = FrameQueue()

    def on_end(self, span: Any) -> None:
        if span.context.trace_flags.sampled:
            when_all_have_seen(span, self._push)

    def _push(self, span: Any) -> None:
        self._queue.push(span, True)

    on_end._takes_frames = True  # type: ignore[attr-defined]

    def _attend(self) -> None:
        """Nobody sends."""

    def requests(self) -> list[bytes]:
        taken = self._queue.take(1_000_000, 1 << 40)
        return [] if taken is None else [taken[0]]


def _tap() -> Tap:
    processor = _FrameTap()
    return Tap(processor, processor.requests)


OURS = Side(
    name="spanwire",
    trace=spanwire.trace,
    sampling=spanwire.trace.sampling,
    id_generator=spanwire.trace.id_generator,
    resources=spanwire.resources,
    use_span=spanwire.trace.use_span,
    get_current_span=spanwire.trace.get_current_span,
    tap=_tap,
)
