"""Names in variables that the SDK, or the API, looks up among what is installed, and fails at where nothing has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from spanwire.exporter._common.protocols import (
    BY_OFFICIAL,
    DEFAULT_PROTOCOL,
    EXPORTERS,
    OTLP,
    SELECTED_BY_PROTOCOL,
    official,
)

__all__ = ["missing"]

# What the SDK makes of OTLP's name; one that it does not know stays as it is.
_BY_PROTOCOL = {"": official(DEFAULT_PROTOCOL)} | {one.protocol: name for name, one in BY_OFFICIAL.items()}
# Under our configurator there without an entry point, or said better by the step that asks.
_KNOWN = SELECTED_BY_PROTOCOL | BY_OFFICIAL.keys() | {one.name for one in EXPORTERS.values()}


def missing(
    environment: Mapping[str, str], installed: Callable[[str], list[str]]
) -> Iterator[tuple[str, str, list[str]]]:
    """Each variable, the name in it that is not found, and those that would be.

    :param installed: names of the entry points of a group.
    """
    if not environment.get("OTEL_CONFIG_FILE"):  # which says all but the propagators
        yield from _exporters(environment, installed)
        variable = "OTEL_PYTHON_ID_GENERATOR"
        there = installed("opentelemetry_id_generator")
        # Set to nothing is a name too, for the SDK.
        if variable in environment and (name := environment[variable].strip()) not in there:
            yield variable, name, there
    there = installed("opentelemetry_propagator")
    for name in _names(environment.get("OTEL_PROPAGATORS", "")):
        if name.lower() == "none":  # takes away all, wherever it stands; what follows is not read
            break
        if name not in there:
            yield "OTEL_PROPAGATORS", name, there


def _exporters(
    environment: Mapping[str, str], installed: Callable[[str], list[str]]
) -> Iterator[tuple[str, str, list[str]]]:
    for signal in ("traces", "metrics", "logs"):
        variable = f"OTEL_{signal.upper()}_EXPORTER"
        text = environment.get(variable, "")
        if text.strip().lower() == "none":
            continue
        there = installed(f"opentelemetry_{signal}_exporter")
        own = environment.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
        protocol = (own or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")).strip()
        for name in _names(text):
            if signal == "traces" and name in _KNOWN:
                continue
            if (_BY_PROTOCOL.get(protocol, protocol) if name == OTLP else name) not in there:
                yield variable, name, there


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")] if text else []
