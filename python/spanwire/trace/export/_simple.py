"""The simple processor: native in front of an exporter of ours, the SDK's in front of any other."""

from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.trace import export as sdk

from spanwire._facade.tracing import request_of
from spanwire._native import FrameQueue
from spanwire.trace.export._batch import _is_ours

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["SimpleSpanProcessor"]


class SimpleSpanProcessor(sdk.SimpleSpanProcessor):
    """Exports each span when it ends, in the thread that ends it, and waits for the answer.

    In front of ``spanwire.exporter.http.OTLPSpanExporter`` a native span is sent as the bytes that it has, without the GIL.
    """

    # What a span passes through on its way into a request; empty before and after.
    _passage: FrameQueue | None = None

    def on_end(self, span: "ReadableSpan") -> None:
        """Export a sampled span."""
        exporter = self.span_exporter
        if _is_ours(exporter) and not getattr(self, "_shutdown", False):
            if self._passage is None:
                self._passage = FrameQueue()
            request = request_of(self._passage, span)
            if request is not None:
                metrics: Any = getattr(self, "_metrics", None)  # older SDKs have none
                if metrics is not None:
                    metrics.finish_items(1)
                exporter._export_request(request)
                return
        super().on_end(span)
