"""What is logged of recoveries that cannot go on, and told to functions of the application's."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from spanwire._telemetry import log, worker_events
from spanwire.durable import DurableQueue, _queue
from spanwire.events import ErrorEvent, subscribe
from spanwire.sink import Sink
from tests.durable_queues import NOWHERE, PATIENCE, joined, processor, told, wait_until
from tests.left_behind import leave


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("SPANWIRE_DURABLE", "OTEL_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(_queue, "_RECOVER_AFTER", 0.3)


@contextmanager
def heard(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, list[ErrorEvent]]]:
    """What is logged of recoveries, and what functions of the application's are told."""
    monkeypatch.setattr(log, "_last", {})
    events: list[ErrorEvent] = []
    subscription = subscribe(on_error=events.append)
    try:
        yield (lambda: [record for record in caplog.records if "ended processes" in record.getMessage()]), events
    finally:
        subscription.cancel()


def test_a_recovery_that_fails_is_told_when_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_queue, "_LOOK_AGAIN", 0.2)
    place = tmp_path / "queue"
    with (
        heard(caplog, monkeypatch) as (lines, events),
        processor(NOWHERE, DurableQueue(place, service="tests")) as made,
    ):
        place.chmod(0o777)
        wait_until(lambda: lines() and events)  # without a span, a flush or a look at the counts
        (line,) = lines()
        assert line.thread != threading.get_ident()
        error = told(place)["recovered"]["error"]
        assert str(place) in error
        assert line.getMessage() == f"What ended processes have left is not sent: {error}"
        event = events[0]
        assert (event.destination, event.reason, event.count, event.message) == (str(place), "recover", 0, error)
        recovery = joined(made)
        assert recovery is not None
        with pytest.raises(OSError, match="queue"):
            recovery._adoption.wait(0)
        place.chmod(0o700)


def test_who_waits_for_minutes_hears_of_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_last", {})
    said = threading.Event()
    monkeypatch.setattr(log.logger, "warning", lambda *_: said.set())
    monkeypatch.setattr(worker_events, "PATIENCE_SECONDS", 0.01)  # those minutes
    monkeypatch.setattr(_queue, "_RECOVER_AFTER", 1.0)
    monkeypatch.setattr(_queue, "_LOOK_AGAIN", 0.2)
    with processor(NOWHERE, DurableQueue(tmp_path / "queue", service="tests")):
        (tmp_path / "queue").chmod(0o777)
        assert said.wait(PATIENCE)
        (tmp_path / "queue").chmod(0o700)


def test_a_file_that_stays_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(_queue, "_LOOK_AGAIN", 0.1)
    leave(tmp_path / "queue", "tests", 10)
    (folder,) = (tmp_path / "queue").iterdir()
    (folder / "00000000000000ff.spans").write_bytes(b"nobody understands this")
    with (
        Sink() as sink,
        heard(caplog, monkeypatch) as (lines, events),
        processor(sink.traces_endpoint, DurableQueue(tmp_path / "queue", service="tests")),
    ):
        sink.wait_for(10, timeout=PATIENCE)
        wait_until(lambda: lines() and events)
        why = f"{folder}/00000000000000ff.spans: it is no file of spans, or its beginning is lost"
        assert [line.getMessage() for line in lines()] == [f"What ended processes have left is not sent: {why}"]
        assert [event.message for event in events] == [why]
        monkeypatch.setattr(log, "_last", {})
        time.sleep(1.0)  # some looks
        assert (len(lines()), len(events)) == (1, 1)
        assert told(tmp_path / "queue")["recovered"]["files"] == 1
        assert told(tmp_path / "queue")["recovered"]["folders"] == 1


def test_a_file_that_stayed_and_is_gone_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_queue, "_LOOK_AGAIN", 0.1)
    leave(tmp_path / "queue", "tests", 10)
    (folder,) = (tmp_path / "queue").iterdir()
    first, second, third = (folder / f"{number:016x}.spans" for number in (0xF1, 0xF2, 0xF3))

    def files() -> int:
        return told(tmp_path / "queue")["recovered"]["files"]  # type: ignore[no-any-return]

    with Sink() as sink, processor(sink.traces_endpoint, DurableQueue(tmp_path / "queue", service="tests")):
        for number, path in enumerate([first, second], 1):
            path.write_bytes(b"nobody understands this")
            wait_until(lambda number=number: files() == number)  # type: ignore[misc]
        first.unlink()
        third.write_bytes(b"nor this")
        wait_until(lambda: files() == 3)  # so there was a look since
        first.write_bytes(b"it is another one")
        wait_until(lambda: files() == 4)


def test_of_many_files_that_stay_each_is_named_up_to_a_bound_and_the_others_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log, "MOST_OF_A_KIND", 3)
    leave(tmp_path / "queue", "tests", 10)
    (folder,) = (tmp_path / "queue").iterdir()
    bad = [folder / f"{number:016x}.spans" for number in range(0xF0, 0xF5)]
    for path in bad:
        path.write_bytes(b"nobody understands this")
    with heard(caplog, monkeypatch) as (lines, _):
        with (
            Sink() as sink,
            processor(sink.traces_endpoint, DurableQueue(tmp_path / "queue", service="tests")),
        ):
            sink.wait_for(10, timeout=PATIENCE)
            wait_until(lambda: told(tmp_path / "queue")["recovered"]["files"] == len(bad))
        worker_events.tell(is_last=True)
        texts = [line.getMessage() for line in lines()]
        named = {path for path in bad if any(f"{path}: " in text for text in texts)}
        assert len(named) == 3
        counted = [int(text.split()[0]) for text in texts if " more times what ended processes have left " in text]
        assert sum(counted) == 2
        assert len(texts) == 3 + len(counted)
