"""Processors and exporters under the names of ``opentelemetry.sdk.trace.export``.

All are the SDK's own but the processors, in which finished spans wait, or are sent, as bytes. With ``SPANWIRE_DISABLED=1`` in
the environment these are the SDK's too.
"""

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import export as _upstream

from spanwire._reexport import public_names as _public_names
from spanwire.trace._disabled import is_disabled as _is_disabled

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter as ConsoleSpanExporter
    from opentelemetry.sdk.trace.export import SpanExporter as SpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult as SpanExportResult

    from spanwire.trace.export._batch import BatchSpanProcessor as BatchSpanProcessor
    from spanwire.trace.export._simple import SimpleSpanProcessor as SimpleSpanProcessor
else:
    from opentelemetry.sdk.trace.export import *

    if not _is_disabled():
        from spanwire.trace.export._batch import BatchSpanProcessor as BatchSpanProcessor
        from spanwire.trace.export._simple import SimpleSpanProcessor as SimpleSpanProcessor

__all__: list[str] = _public_names(_upstream)


def __getattr__(name: str) -> object:
    return getattr(_upstream, name)
