"""Processors and exporters under the names of ``opentelemetry.sdk.trace.export``.

All are the SDK's own but ``BatchSpanProcessor``, which with an exporter of ours takes finished spans as bytes. With
``SPANWIRE_DISABLED=1`` in the environment that one is the SDK's too.
"""

from typing import TYPE_CHECKING

from opentelemetry.sdk.trace import export as _upstream

from spanwire._reexport import public_names as _public_names
from spanwire.trace._disabled import is_disabled as _is_disabled

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter as ConsoleSpanExporter
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor as SimpleSpanProcessor
    from opentelemetry.sdk.trace.export import SpanExporter as SpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult as SpanExportResult

    from spanwire.trace.export._batch import BatchSpanProcessor as BatchSpanProcessor
else:
    from opentelemetry.sdk.trace.export import *

    if not _is_disabled():
        from spanwire.trace.export._batch import BatchSpanProcessor as BatchSpanProcessor

__all__: list[str] = _public_names(_upstream)


def __getattr__(name: str) -> object:
    return getattr(_upstream, name)
