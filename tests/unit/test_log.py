"""Log lines for people: limited, and harmless wherever they are written."""

import logging
import threading
import time

import pytest

from spanwire._telemetry import log


@pytest.fixture(autouse=True)
def nothing_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_last", {})


def test_a_kind_is_logged_once_a_minute_and_says_what_was_held_back(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for _ in range(3):
        log.warn("kind", "%s happened", "it")
    log.warn("other", "something else")
    now += log.INTERVAL_SECONDS
    log.warn("kind", "%s happened", "it")
    assert [record.getMessage() for record in caplog.records] == [
        "it happened",
        "something else",
        "it happened (2 more like this in the last minutes)",
    ]


def test_lines_about_different_things_are_each_logged_up_to_a_bound_and_the_others_are_counted(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def logged() -> list[str]:
        lines = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return lines

    def warn(numbers: range) -> None:
        for number in numbers:
            log.warn("kind", "%d stays", number, about=str(number))

    most = log.MOST_OF_A_KIND
    warn(range(most + 5))
    warn(range(most))
    assert logged() == [f"{number} stays" for number in range(most)]
    assert log.take_left_out("kind") == 5
    now += 1
    warn(range(most, most + 3))
    assert log.take_left_out("kind") == 0  # it was asked a second ago
    assert log.take_left_out("kind", is_last=True) == 3
    assert log.take_left_out("kind", is_last=True) == 0
    assert logged() == []
    now += log.INTERVAL_SECONDS
    warn(range(1))
    assert logged() == ["0 stays (1 more like this in the last minutes)"]
    warn(range(1, 2 * most))  # those that come back have no more room than others
    assert len(logged()) == most - 1
    now += 2 * log.INTERVAL_SECONDS
    warn(range(1000, 1001))
    assert [kind for kind in log._last if kind.startswith("kind ")] == ["kind 1000"]  # what is long ago is forgotten


def test_a_signal_handler_that_warns_inside_a_warning_does_not_hang(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(dict[str, tuple[float, int]]):
        """Runs what a signal handler or a finalizer would, at the worst moment: with the lock held."""

        def get(self, kind: str, default: tuple[float, int]) -> tuple[float, int]:  # type: ignore[override]
            if kind == "outer":
                log.warn("inner", "inside")
            return super().get(kind, default)

    monkeypatch.setattr(log, "_last", Interrupted())
    thread = threading.Thread(target=log.warn, args=("outer", "outside"), daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert [record.getMessage() for record in caplog.records] == ["inside", "outside"]


def test_a_handler_that_raises_does_not_reach_the_exporter(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("a broken handler")

    broken = Broken()
    log.logger.addHandler(broken)
    try:
        log.warn("kind", "something")
    finally:
        log.logger.removeHandler(broken)
    assert "a broken handler" in capsys.readouterr().err


def test_a_handler_that_exports_and_fails_does_not_recurse() -> None:
    calls = 0

    class Recursive(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            nonlocal calls
            calls += 1
            log.warn("kind", "again")

    recursive = Recursive()
    log.logger.addHandler(recursive)
    try:
        log.warn("kind", "something")
    finally:
        log.logger.removeHandler(recursive)
    assert calls == 1
