"""OTLP over HTTP in JSON, for backends that take no protobuf.

::

    from spanwire.exporter.json import OTLPSpanExporter

    exporter = OTLPSpanExporter()  # keywords and OTEL_EXPORTER_OTLP_* as of spanwire.exporter.http

Spans are encoded, compressed, sent and retried by native code; the GIL is held only to read them.
"""

from typing import TYPE_CHECKING

from spanwire._native import __version__
from spanwire.exporter.http._compression import Compression

if TYPE_CHECKING:
    from spanwire.exporter.json.trace_exporter import OTLPSpanExporter

__all__ = ["Compression", "OTLPSpanExporter", "__version__"]


def __getattr__(name: str) -> object:
    # Late: the class needs the SDK, which whoever only asks for Compression or a version does not.
    if name == "OTLPSpanExporter":
        from spanwire.exporter.json.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
