"""What OTEL_* leaves open when spanwire is switched on without code or by one line."""

import os
from importlib.metadata import entry_points

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_PROTOCOL

__all__ = ["defaults"]

_HTTP = "http/protobuf"


def defaults() -> dict[str, str]:
    """The variables that are not set, or empty, and what they are to be.

    Metrics and logs are the SDK's: ``otlp`` if an exporter for the protocol is installed, else ``none``, since a missing one
    would keep everything from being set up.
    """
    values = {OTEL_TRACES_EXPORTER: "otlp", OTEL_EXPORTER_OTLP_PROTOCOL: _HTTP}
    for signal, variable in {"metrics": OTEL_METRICS_EXPORTER, "logs": OTEL_LOGS_EXPORTER}.items():
        own = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
        protocol = (own or os.environ.get(OTEL_EXPORTER_OTLP_PROTOCOL) or _HTTP).strip()
        name = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
        is_there = any(True for _ in entry_points(group=f"opentelemetry_{signal}_exporter", name=name))
        # What the SDK has of JSON is nothing; by its own name the exporter in protobuf does not mind.
        asked = name if protocol == "http/json" else "otlp"
        values[variable] = asked if is_there else "none"
    return {name: value for name, value in values.items() if not os.environ.get(name)}
