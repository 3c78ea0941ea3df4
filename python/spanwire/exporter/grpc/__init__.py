"""OTLP over gRPC: a drop-in for ``opentelemetry.exporter.otlp.proto.grpc``, without grpcio.

::

    from spanwire.exporter.grpc import OTLPSpanExporter

    exporter = OTLPSpanExporter(endpoint="collector:4317", insecure=True)

Spans are encoded, compressed, sent and retried by native code; the GIL is held only to read them.
"""

from typing import TYPE_CHECKING

from spanwire._native import __version__
from spanwire.exporter.grpc._compression import Compression

if TYPE_CHECKING:
    from spanwire.exporter.grpc.trace_exporter import OTLPSpanExporter

__all__ = ["Compression", "OTLPSpanExporter", "__version__"]


def __getattr__(name: str) -> object:
    # Late: the class needs the SDK, which whoever only asks for Compression or a version does not.
    if name == "OTLPSpanExporter":
        from spanwire.exporter.grpc.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
