"""Scenarios that do what a test needs, in the place of the suite's; run as a program it is ``spanwire bench`` with them."""

import subprocess
import sys
from pathlib import Path

from spanwire_bench.suite import _catalogue
from spanwire_bench.suite._model import Outcome, Row
from spanwire_bench.suite._scenario import Failed, Scenario, Settings, Step

__all__ = ["BREAKS", "FAILS", "HANGS", "QUICK", "SECOND", "SIDES", "quick"]

SIDES = ("sdk", "exporter", "spanwire", "opentelemetry-rust")
_VALUES = {"sdk": 52_000.0, "exporter": 21_000.0, "spanwire": 600.0, "opentelemetry-rust": 1_400.0}


def quick(name: str, settings: Settings, step: Step) -> Outcome:
    """Figures without measuring: a sample a round."""
    step(0.5)
    rows = tuple(
        Row(side, tuple(_VALUES[side] * (1 + number / 100) for number in range(settings.rounds or 3)))
        for side in settings.sides
        if side in SIDES
    )
    step(1.0)
    return Outcome(name, "title", "what", rows, goal=50.0)


def _fails(settings: Settings, step: Step) -> Outcome:
    raise Failed("numpy is missing: pip install numpy")


def _breaks(settings: Settings, step: Step) -> Outcome:
    raise ZeroDivisionError("a mistake")


def _hangs(settings: Settings, step: Step) -> Outcome:
    """A child and, below it, one that outlives it; it tells their numbers by the file beside the JSON."""
    with subprocess.Popen(
        ["sh", "-c", "sleep 1000 & echo $!; sleep 1000"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        place = Path(sys.argv[sys.argv.index("--json") + 1]).with_name("children")
        part = place.with_suffix(".part")
        part.write_text(f"{process.pid} {process.stdout.readline()}", encoding="ascii")
        part.rename(place)
        process.wait()
    raise AssertionError("it ended by itself")


def _scenario(name: str, run: object = None) -> Scenario:
    return Scenario(
        name,
        f"title of {name}",
        SIDES,
        lambda settings: 2.0 * settings.scale,
        run or (lambda settings, step: quick(name, settings, step)),  # type: ignore[arg-type]
    )


QUICK, SECOND = _scenario("encode/W5"), _scenario("encode/W10")
FAILS, BREAKS, HANGS = (
    _scenario("columns/encode", _fails),
    _scenario("create/W5", _breaks),
    _scenario("export/W5", _hangs),
)

if __name__ == "__main__":
    from spanwire.cli import main

    _catalogue.SCENARIOS = (QUICK, FAILS, BREAKS, HANGS, SECOND)
    main()
