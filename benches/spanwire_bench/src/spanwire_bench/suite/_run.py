"""Scenarios one after the other; what came of them is one document, whatever happened on the way."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any

from spanwire_bench import _with_parent
from spanwire_bench.suite._interrupt import Interruption, end_children
from spanwire_bench.suite._model import Document, Outcome
from spanwire_bench.suite._progress import Progress
from spanwire_bench.suite._scenario import Failed, Scenario, Settings

__all__ = ["INTERRUPTED", "Plan", "Run", "run"]

INTERRUPTED = "interrupted"
_NOT_BEGUN = "not begun: the run was interrupted"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run, and what the document says of it.

    :param left_out: sides that were asked for and are not there, by name.
    :param goals: whether they are judged.
    """

    scenarios: Sequence[Scenario]
    settings: Settings
    command: str
    environment: Mapping[str, Any]
    method: Mapping[str, Any]
    sides: Mapping[str, Mapping[str, Any]]
    left_out: Mapping[str, str] = field(default_factory=dict)
    goals: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """How it ended.

    :param signal: what interrupted it, if anything did.
    :param failed: scenarios that gave no figures though nobody interrupted them.
    """

    document: Document
    signal: int | None
    failed: tuple[str, ...]

    @property
    def interrupted(self) -> bool:
        return self.signal is not None


def run(plan: Plan, progress: Progress, interruption: Interruption | None = None) -> Run:
    """Never raises for what a scenario does; a second signal, after a while, does what it does without us.

    :param interruption: one that goes on after the run; None: one for the run alone.
    """
    begin, started = time.monotonic(), datetime.now(timezone.utc).isoformat(timespec="seconds")
    outcomes: list[Outcome] = []
    left_out = dict(plan.left_out)
    failed: list[str] = []
    os.environ[_with_parent.RUNNER] = str(os.getpid())
    with ExitStack() as open_:
        interruption = interruption or open_.enter_context(Interruption())
        open_.enter_context(progress)
        for scenario in plan.scenarios:
            if interruption.asked:
                left_out[scenario.name] = _NOT_BEGUN
                continue
            progress.begin(scenario)
            try:
                with end_children(), interruption.armed():
                    outcome = scenario.run(plan.settings, progress.step)
                    outcomes.append(outcome if plan.goals else replace(outcome, goal=None, peer_goals={}))
            except Failed as error:
                failed.append(scenario.name)
                left_out[scenario.name] = str(error)
            except KeyboardInterrupt:
                if not outcomes or outcomes[-1].name != scenario.name:  # it may have come just after the end
                    left_out[scenario.name] = INTERRUPTED
            except Exception as error:
                # A mistake of ours costs its scenario, not the minutes of the others.
                failed.append(scenario.name)
                left_out[scenario.name] = f"it broke: {type(error).__name__}: {error}"
                traceback.print_exc(file=sys.stderr)
            progress.end(scenario, left_out.get(scenario.name))
    document = Document(
        plan.command,
        started,
        round(time.monotonic() - begin, 3),
        not {INTERRUPTED, _NOT_BEGUN} & set(left_out.values()),
        plan.environment,
        plan.method,
        plan.sides,
        tuple(outcomes),
        left_out,
    )
    return Run(document, interruption.signal, tuple(failed))
