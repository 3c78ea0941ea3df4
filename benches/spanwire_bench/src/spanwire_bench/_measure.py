"""What every benchmark shares: figures of interleaved rounds, a quiet interpreter, and on what machine it ran."""

from __future__ import annotations

import gc
import importlib.metadata
import importlib.util
import os
import pathlib
import platform
import statistics
import subprocess
from collections.abc import Iterable, Iterator, Sequence
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
    "in_turn",
    "package_version",
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
        return (self.maximum - self.minimum) / self.median if self.median else 0.0  # too short for a coarse clock

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


def in_turn(sides: Iterable[str], number: int) -> list[str]:
    """Their order in that round: a different one first each time."""
    every = list(sides)
    first = number % len(every)
    return [*every[first:], *every[:first]]


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
    """What a figure is worth nothing without: interpreter, versions, machine, build. What cannot be read is None."""
    from spanwire.cli.toolkit import is_profile_guided

    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "machine": platform.machine(),
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "kernel": platform.version() or None,
        "memory_bytes": _memory(),
        "governor": _first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "smt": {"0": False, "1": True}.get(_first_line("/sys/devices/system/cpu/smt/active") or ""),
        "commit": _commit(),
        "profile_guided": is_profile_guided,
        "versions": {name: package_version(name) for name in _PACKAGES},
    }


_PACKAGES = ("spanwire", "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http", "protobuf")


def package_version(package: str) -> str | None:
    """None if it is not installed."""
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


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None


def _first_line(path: str) -> str | None:
    try:
        return pathlib.Path(path).read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def _commit() -> str | None:
    """Of the checkout that this package lies in, with a ``+`` where files that it knows were changed; None elsewhere."""
    here = pathlib.Path(__file__).resolve().parents[4]
    if not (here / ".git").exists():
        return None  # somebody else's repository may be around an installed package
    try:
        commit, changed = (
            subprocess.run(
                ["git", "-C", str(here), *asked], capture_output=True, text=True, timeout=10, check=True
            ).stdout.strip()
            for asked in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + "+" * bool(changed)
