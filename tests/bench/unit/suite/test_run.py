"""A run goes on past what fails and ends with what it has when it is interrupted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from spanwire_bench.suite import _interrupt
from spanwire_bench.suite._model import Outcome
from spanwire_bench.suite._progress import Progress
from spanwire_bench.suite._run import INTERRUPTED, Plan, Run, run
from spanwire_bench.suite._scenario import Scenario, Settings, Step
from tests.bench.scenarios import BREAKS, FAILS, QUICK, SECOND, SIDES, quick

SETTINGS = Settings(("sdk", "spanwire"), rounds=2)


def ran(*scenarios: Scenario) -> Run:
    plan = Plan(scenarios, SETTINGS, "spanwire bench", {"cpu": "x"}, {"rounds": 2}, {"sdk": {}}, {"fastotel": "pip"})
    return run(plan, Progress(scenarios, SETTINGS, quiet=True))


def scenario(name: str, body: Callable[[], object]) -> Scenario:
    def measure(settings: Settings, step: Step) -> Outcome:
        body()
        return quick(name, settings, step)

    return Scenario(name, name, SIDES, lambda settings: 1.0, measure)


def names(outcomes: Sequence[Outcome]) -> list[str]:
    return [one.name for one in outcomes]


def test_a_run_has_every_outcome_and_what_was_said_of_it() -> None:
    done = ran(QUICK, SECOND)
    document = done.document
    assert names(document.outcomes) == ["encode/W5", "encode/W10"]
    assert (document.complete, document.left_out) == (True, {"fastotel": "pip"})
    assert (document.command, document.environment, document.method) == ("spanwire bench", {"cpu": "x"}, {"rounds": 2})
    assert document.started.endswith("+00:00") and document.seconds >= 0
    assert (done.interrupted, done.failed) == (False, ())
    assert [len(row.samples) for row in document.outcomes[0].rows] == [2, 2]


def test_goals_that_are_not_to_be_judged_are_not_in_the_document() -> None:
    plan = Plan((QUICK,), SETTINGS, "", {}, {}, {}, goals=False)
    said = run(plan, Progress(plan.scenarios, SETTINGS, quiet=True)).document.outcomes[0]
    assert ran(QUICK).document.outcomes[0].goal == 50.0 and said.goal is None


def test_what_fails_is_left_out_with_its_reason_and_the_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    done = ran(FAILS, BREAKS, QUICK)
    assert names(done.document.outcomes) == ["encode/W5"]
    assert done.document.left_out["columns/encode"] == "numpy is missing: pip install numpy"
    assert done.document.left_out["create/W5"] == "it broke: ZeroDivisionError: a mistake"
    assert done.failed == ("columns/encode", "create/W5")
    assert done.document.complete
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_with_what_is_finished(number: signal.Signals) -> None:
    if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("not applicable: these tests are to outlive their terminal")
    before = signal.getsignal(number)

    def interrupted() -> None:
        os.kill(os.getpid(), number)
        time.sleep(60)

    done = ran(QUICK, scenario("export/W5", interrupted), SECOND)
    assert names(done.document.outcomes) == ["encode/W5"]
    assert done.document.left_out["export/W5"] == INTERRUPTED
    assert done.document.left_out["encode/W10"].startswith("not begun")
    assert (done.document.complete, done.signal, done.failed) == (False, number, ())
    assert signal.getsignal(number) is before


def test_a_signal_while_a_scenario_cleans_up_is_not_raised_into_that(monkeypatch: pytest.MonkeyPatch) -> None:
    cleaned = []
    monkeypatch.setattr(_interrupt, "_SAME_SECONDS", 60.0)  # on a busy machine both are not told within one

    def interrupted() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        finally:
            os.kill(os.getpid(), signal.SIGINT)  # such as from somebody who tells the process and its group
            cleaned.append(True)

    done = ran(scenario("export/W5", interrupted))
    assert cleaned == [True] and done.interrupted


def test_somebody_who_asks_again_later_gets_what_the_signal_did_before(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(_interrupt, "_SAME_SECONDS", 0.0)
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with _interrupt.Interruption() as interruption:
            os.kill(os.getpid(), signal.SIGTERM)
            assert interruption.asked and seen == []
            time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGTERM)
            assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_signal_between_scenarios_begins_no_other() -> None:
    class Interrupting(Progress):
        def end(self, scenario: Scenario, why_not: str | None) -> None:
            os.kill(os.getpid(), signal.SIGINT)

    plan = Plan((QUICK, SECOND), SETTINGS, "", {}, {}, {})
    done = run(plan, Interrupting(plan.scenarios, SETTINGS, quiet=True))
    assert names(done.document.outcomes) == ["encode/W5"]
    assert (done.document.complete, done.interrupted) == (False, True)


def test_a_signal_after_the_last_scenario_leaves_a_complete_document() -> None:
    class Interrupting(Progress):
        def end(self, scenario: Scenario, why_not: str | None) -> None:
            if scenario.name == "encode/W10":
                os.kill(os.getpid(), signal.SIGINT)

    plan = Plan((QUICK, SECOND), SETTINGS, "", {}, {}, {})
    done = run(plan, Interrupting(plan.scenarios, SETTINGS, quiet=True))
    assert done.document.complete and done.interrupted


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="not applicable: no /proc to find children in")
def test_no_process_of_a_scenario_is_left_but_those_from_before_are() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        left: list[int] = []

        def leaves_some() -> None:
            process = subprocess.Popen(
                ["sh", "-c", "sleep 1000 & echo $!; exec sleep 1000"], stdout=subprocess.PIPE, text=True
            )
            assert process.stdout is not None
            left.extend((process.pid, int(process.stdout.readline())))
            process.stdout.close()
            process.returncode = 0  # it is forgotten, and no warning comes of it

        assert ran(scenario("export/W5", leaves_some)).document.complete
        assert len(left) == 2 and not any(Path("/proc", str(pid)).exists() for pid in left)
        assert other.poll() is None
        other.communicate(b"\n")
