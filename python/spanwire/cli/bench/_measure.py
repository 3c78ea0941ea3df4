"""What every benchmark shares: figures of interleaved rounds, a quiet interpreter, and on what machine it ran."""

from __future__ import annotations

import gc
import importlib.metadata
import importlib.util
import os
import pathlib
import platform
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = [
    "OFFICIAL_HINT",
    "Comparison",
    "Figure",
    "collector_off",
    "cores",
    "environment",
    "has_official_exporter",
    "pinned",
]

OFFICIAL_HINT = "spanwire bench: nothing to compare with: pip install opentelemetry-exporter-otlp-proto-http (the official exporter)"


@dataclass(frozen=True, slots=True)
class Figure:
    """Of the rounds, in the unit that the benchmark names; ``samples`` are theirs, in the order in which they were taken."""

    minimum: float
    median: float
    maximum: float
    samples: tuple[float, ...]

    @classmethod
    def of(cls, samples: Sequence[float]) -> Figure:
        """Sum up one sample per round; raises statistics.StatisticsError when there is none."""
        return cls(min(samples), statistics.median(samples), max(samples), tuple(samples))

    @property
    def rounds(self) -> int:
        return len(self.samples)

    @property
    def spread(self) -> float:
        """How far the rounds are apart, as a part of the median."""
        return (self.maximum - self.minimum) / self.median

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {"minimum": self.minimum, "median": self.median, "rounds": self.rounds}


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same work done by both sides, interleaved."""

    official: Figure
    spanwire: Figure

    @property
    def ratio_of_minima(self) -> float:
        return self.official.minimum / self.spanwire.minimum

    @property
    def ratio_of_medians(self) -> float:
        return self.official.median / self.spanwire.median

    def as_json(self) -> dict[str, object]:
        return {
            "official": self.official.as_json(),
            "spanwire": self.spanwire.as_json(),
            "ratio_of_minima": self.ratio_of_minima,
            "ratio_of_medians": self.ratio_of_medians,
        }


def cores() -> list[int]:
    """The cores that this process may use; empty where the system cannot say (macOS)."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def has_official_exporter() -> bool:
    """Whether it is installed; it is not imported."""
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http.trace_exporter") is not None
    except ImportError:  # of a package around it
        return False


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """Keep the calling thread (and threads that it starts) on ``core``; None leaves it where it is."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def collector_off() -> Iterator[None]:
    """Collect now, then keep the cyclic garbage collector out of what is measured."""
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def environment() -> dict[str, object]:
    """What a figure is worth nothing without: interpreter, versions, machine."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "machine": platform.machine(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "versions": {name: _version(name) for name in _PACKAGES},
    }


_PACKAGES = ("spanwire", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "protobuf")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        with pathlib.Path("/proc/cpuinfo").open(encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"
