"""Who is compared: every side that a scenario can have, in the order of tables."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_SIDES", "OURS", "PEERS", "SIDES", "SideInfo"]


@dataclass(frozen=True, slots=True)
class SideInfo:
    """What a reader is told of a side."""

    label: str
    language: str
    what: str


SIDES = {
    "sdk": SideInfo("SDK", "Python", "opentelemetry-python's SDK with the official exporter"),
    "exporter": SideInfo("SDK + spanwire exporter", "Python", "opentelemetry-python's SDK with spanwire's exporter"),
    "spanwire": SideInfo("spanwire", "Python", "spanwire's tracer, batch processor and exporter"),
    "fastotel": SideInfo("fastotel", "Python", "opentelemetry-python's SDK with fastotel's processor"),
    "ddtrace": SideInfo("ddtrace", "Python", "ddtrace's tracer and writer, in Datadog's format"),
    "opentelemetry-rust": SideInfo("opentelemetry-rust", "Rust", "its SDK, batch processor and OTLP exporter, fat LTO"),
    "opentelemetry-rust-builder": SideInfo(
        "opentelemetry-rust-builder", "Rust", "opentelemetry-rust's program, its span builder given everything"
    ),
    "fastrace": SideInfo("fastrace", "Rust", "its collector and OpenTelemetry reporter, fat LTO"),
    "opentelemetry-go": SideInfo("opentelemetry-go", "Go", "its SDK, batch processor and OTLP exporter"),
    "opentelemetry-java": SideInfo("opentelemetry-java", "Java", "its SDK, batch processor and OTLP exporter"),
}
OURS = "spanwire"
DEFAULT_SIDES = ("sdk", "exporter", "spanwire")
"""Those that need nobody else's package or program."""
PEERS = ("opentelemetry-rust", "opentelemetry-rust-builder", "fastrace", "opentelemetry-go", "opentelemetry-java")
"""Programs of their own, built from ``benches/peers``; the others are Python."""
