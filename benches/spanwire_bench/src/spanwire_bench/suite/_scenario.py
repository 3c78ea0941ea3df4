"""What the suite can run: a scenario has a name, an estimate of its time, and a function that measures it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from spanwire_bench.suite._model import Outcome

__all__ = ["Failed", "Scenario", "Settings", "Step"]

Step = Callable[[float], None]
"""Told of each finished part, as a part (0 to 1) of the scenario."""


class Failed(Exception):
    """A scenario gave no figures (spans were lost, bytes differ, a program is missing); the text says why."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was asked for.

    :param sides: names of ``_sides.SIDES``; a scenario measures those of them that it knows, in their order.
    :param rounds: 0: each scenario's own number.
    :param scale: how much longer (or shorter) than usual everything is: samples and numbers of spans, not rounds.
    :param batch: spans a request, the same for every side that can be told; None: each side's default.
    :param sender_core: for whoever makes spans; None: nothing is pinned.
    :param receiver_core: for whoever receives.
    :param peer_python: the interpreter that has fastotel and ddtrace.
    """

    sides: Sequence[str]
    rounds: int = 0
    scale: float = 1.0
    batch: int | None = None
    sender_core: int | None = None
    receiver_core: int | None = None
    peer_python: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One question of the suite.

    :param name: ``group/case``; also the outcome's.
    :param title: a short line for people.
    :param sides: those that it can measure.
    :param seconds: about how long it takes with these settings.
    :param run: measures it; raises Failed.
    """

    name: str
    title: str
    sides: Sequence[str]
    seconds: Callable[[Settings], float]
    run: Callable[[Settings, Step], Outcome]

    @property
    def group(self) -> str:
        return self.name.partition("/")[0]

    def chosen(self, settings: Settings) -> list[str]:
        """The sides to measure."""
        return [side for side in settings.sides if side in self.sides]
