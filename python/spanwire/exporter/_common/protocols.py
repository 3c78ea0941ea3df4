"""The table of OTLP's protocols: which exporter speaks each, and by which names people ask for it."""

from dataclasses import dataclass

from spanwire._settings import _defaults

__all__ = [
    "BY_OFFICIAL",
    "DEFAULT_PROTOCOL",
    "EXPORTERS",
    "GRPC",
    "HTTP_JSON",
    "HTTP_PROTOBUF",
    "OFFICIAL_GRPC",
    "OFFICIAL_HTTP",
    "OTLP",
    "OURS",
    "PROTOCOLS",
    "SELECTED_BY_PROTOCOL",
    "Exporter",
    "official",
    "protocol_of",
]

HTTP_PROTOBUF, HTTP_JSON, GRPC = "http/protobuf", "http/json", "grpc"
DEFAULT_PROTOCOL = _defaults.text("set-up", "OTEL_EXPORTER_OTLP_PROTOCOL")

OTLP = "otlp"  # the exporter of the protocol that OTEL_EXPORTER_OTLP_PROTOCOL says
OFFICIAL_HTTP, OFFICIAL_GRPC = "otlp_proto_http", "otlp_proto_grpc"  # entry points of the official exporters
OURS = "spanwire"  # the entry point of our distro, our configurator and our default exporter


@dataclass(frozen=True)
class Exporter:
    """One of ours."""

    protocol: str
    name: str
    """Its entry point."""
    package: str
    """Where its public classes are."""
    official: str | None
    """The entry point of the official exporter of this protocol, if there is one."""

    @property
    def module(self) -> str:
        """The module of its class for traces, ``OTLPSpanExporter``."""
        return f"{self.package}.trace_exporter"


_ALL = (
    Exporter(HTTP_PROTOBUF, OURS, "spanwire.exporter.http", OFFICIAL_HTTP),
    Exporter(HTTP_JSON, "spanwire_json", "spanwire.exporter.json", None),
    Exporter(GRPC, "spanwire_grpc", "spanwire.exporter.grpc", OFFICIAL_GRPC),
)

EXPORTERS = {one.protocol: one for one in _ALL}
"""By protocol; the default one first."""
PROTOCOLS = tuple(EXPORTERS)
BY_OFFICIAL = {one.official: one for one in _ALL if one.official is not None}
"""By the entry point of the official exporter."""
SELECTED_BY_PROTOCOL = frozenset({OTLP, OURS})
"""Names whose exporter is that of the protocol asked for."""

_BY_NAME = {one.name: one for one in _ALL if one.name not in SELECTED_BY_PROTOCOL} | BY_OFFICIAL


def protocol_of(name: str) -> str | None:
    """That of an exporter whose name says it."""
    found = _BY_NAME.get(name)
    return found.protocol if found is not None else None


def official(protocol: str) -> str:
    """The entry point of the official exporter of a protocol; that of HTTP if the protocol has none."""
    found = EXPORTERS.get(protocol)
    return (found.official if found is not None else None) or OFFICIAL_HTTP
