"""What OTEL_* leaves open when spanwire is switched on without code or by one line."""

import os
from importlib.metadata import entry_points

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_PROTOCOL

from spanwire.exporter._common.protocols import DEFAULT_PROTOCOL, HTTP_JSON, OTLP, official

__all__ = ["defaults"]


def defaults() -> dict[str, str]:
    """The variables that are not set, or empty, and what they are to be.

    Metrics and logs are the SDK's: ``otlp`` if an exporter for the protocol is installed, else ``none``, since a missing one
    would keep everything from being set up.
    """
    values = {OTEL_TRACES_EXPORTER: OTLP, OTEL_EXPORTER_OTLP_PROTOCOL: DEFAULT_PROTOCOL}
    for signal, variable in {"metrics": OTEL_METRICS_EXPORTER, "logs": OTEL_LOGS_EXPORTER}.items():
        own = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
        protocol = (own or os.environ.get(OTEL_EXPORTER_OTLP_PROTOCOL) or DEFAULT_PROTOCOL).strip()
        name = official(protocol)
        is_there = any(True for _ in entry_points(group=f"opentelemetry_{signal}_exporter", name=name))
        # What the SDK has of JSON is nothing; by its own name the exporter in protobuf does not mind.
        asked = name if protocol == HTTP_JSON else OTLP
        values[variable] = asked if is_there else "none"
    return {name: value for name, value in values.items() if not os.environ.get(name)}
