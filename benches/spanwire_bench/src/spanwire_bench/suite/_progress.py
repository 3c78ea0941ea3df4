"""How far a run is: a bar with the time left on a terminal, elsewhere a line for each scenario that is done."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from spanwire_bench.suite._scenario import Scenario, Settings

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from typing_extensions import Self

__all__ = ["Progress", "TimeLeft", "clock", "lasting"]

_LEAST_SECONDS = 0.1  # of an estimate: nothing takes no time


class TimeLeft:
    """What the scenarios' estimates leave, corrected by what the finished ones really took.

    :param estimates: in seconds, by name, of everything that is to be run.
    """

    def __init__(self, estimates: dict[str, float]) -> None:
        self._estimates = {name: max(seconds, _LEAST_SECONDS) for name, seconds in estimates.items()}
        self.total = sum(self._estimates.values())
        self._done = 0.0  # by estimates
        self._taken = 0.0

    def finish(self, name: str, seconds: float) -> None:
        """A scenario is done."""
        self._done += self._estimates[name]
        self._taken += seconds

    def reached(self, name: str | None = None, part: float = 0.0) -> float:
        """By the estimates, with so much of one that is not done."""
        return self._done + (0.0 if name is None else self._estimates[name] * min(1.0, max(0.0, part)))

    def left(self, name: str | None = None, part: float = 0.0, seconds: float = 0.0) -> float:
        """In seconds, while so much of ``name`` took ``seconds``."""
        reached = self.reached(name, part)
        # What a scenario has taken so far tells something once a tenth of it is done.
        known = part >= 0.1
        base, taken = (reached, self._taken + seconds) if known else (self._done, self._taken)
        factor = taken / base if base > 0 else 1.0
        left = (self.total - reached) * factor
        return max(0.0, left if known else left - seconds)


def clock(seconds: float) -> str:
    """``4:05``, ``1:02:03``."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def lasting(seconds: float) -> str:
    """``4:05 minutes``, ``1:02:03 hours``."""
    return f"{clock(seconds)} {'hours' if round(seconds) >= 3600 else 'minutes'}"


class Progress:
    """Told of what is begun, goes on and ends; a context manager. Everything goes to stderr.

    Nothing is drawn by a thread: that would take the interpreter from what is measured.
    """

    def __init__(
        self,
        scenarios: Sequence[Scenario],
        settings: Settings,
        *,
        quiet: bool = False,
        color: bool = True,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = len(scenarios)
        self._time = TimeLeft({one.name: one.seconds(settings) for one in scenarios})
        self._quiet = quiet
        self._color = color
        self._now = now
        self._number = 0
        self._begun = 0.0
        self._current = ""
        self._bar: Bar | None = None

    def __enter__(self) -> Self:
        if not self._quiet and sys.stderr.isatty():
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn
            from rich.progress import Progress as Bar

            from spanwire.cli.toolkit import make_console

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=20),
                TaskProgressColumn(),
                TextColumn("{task.fields[left]}"),
                console=make_console(color=self._color, stderr=True),
                transient=True,
                auto_refresh=False,
            )
            self._bar.add_task("", total=self._time.total, left="")
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            with contextlib.suppress(OSError):  # a terminal that is gone ends no run
                self._bar.stop()
            self._bar = None

    def begin(self, scenario: Scenario) -> None:
        """It starts now."""
        self._number += 1
        self._begun = self._now()
        self._current = scenario.name
        self.step(0.0)

    def step(self, part: float) -> None:
        """So much of the one that was begun is done."""
        if self._bar is None:
            return
        left = self._time.left(self._current, part, self._now() - self._begun)
        self._bar.update(
            self._bar.task_ids[0],
            completed=self._time.reached(self._current, part),
            description=f"{self._number}/{self._count} {self._current}",
            left=f"{clock(left)} left",
        )
        with contextlib.suppress(OSError):
            self._bar.refresh()

    def end(self, scenario: Scenario, why_not: str | None) -> None:
        """It is done, or there are no figures, and why."""
        seconds = self._now() - self._begun
        self._time.finish(scenario.name, seconds)
        if self._quiet:
            return
        if self._bar is not None:
            if why_not is not None:
                with contextlib.suppress(OSError):
                    self._bar.console.print(f"{scenario.name}: no figures: {why_not}", markup=False, soft_wrap=True)
            return
        what = f"{seconds:.1f} s" if why_not is None else f"no figures: {why_not}"
        left = f", {clock(self._time.left())} left" if self._number < self._count else ""
        with contextlib.suppress(OSError):
            print(f"spanwire bench: {self._number}/{self._count} {scenario.name}: {what}{left}", file=sys.stderr)
