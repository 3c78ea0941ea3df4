"""Options of the durable queue, what is told of it, and how processors share what is left."""

import os
import pickle
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import spanwire
from spanwire._telemetry import log
from spanwire._telemetry.prometheus import render
from spanwire.durable import DurableQueue, _queue, sync
from spanwire.durable._queue import folder_of, resolve
from spanwire.events import DropEvent, subscribe
from spanwire.exporter import grpc
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.durable_queues import NOWHERE, PATIENCE, account, joined, processor, told, wait_until
from tests.left_behind import leave


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("SPANWIRE_DURABLE", "OTEL_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(_queue, "_RECOVER_AFTER", 0.3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"path": ""}, "needs the path of a folder"),
        ({"max_bytes": 0}, r"max_bytes must be at least 16777216 \(the blocks of one file\), not 0"),
        ({"max_bytes": (1 << 24) - 1}, "max_bytes must be at least 16777216 .*, not 16777215"),
        ({"max_age": 0}, "max_age must be positive seconds, not 0"),
        ({"max_age": float("nan")}, "max_age must be positive seconds, not nan"),
        ({"fsync": "always"}, "fsync must be one of never, interval, batch, not 'always'"),
        ({"fsync_interval": 0}, "fsync_interval must be positive seconds, not 0"),
        ({"path": "  "}, "needs the path of a folder"),
        ({"max_bytes": 10**23}, r"max_bytes must be a whole number below 2\*\*63, not 10{23}"),
        ({"max_bytes": float("inf")}, r"max_bytes must be a whole number below 2\*\*63, not inf"),
        ({"max_age": float("inf")}, "max_age must be at most 31536000 seconds"),
        ({"max_age": 10**400}, "max_age must be at most 31536000 seconds"),
        ({"fsync_interval": float("inf")}, "fsync_interval must be at most 31536000 seconds"),
        ({"fsync_interval": float("nan")}, "fsync_interval must be positive seconds, not nan"),
        ({"fsync_interval": 1e300}, "fsync_interval must be at most 31536000 seconds"),
        ({"recover_per_second": 10**23}, r"recover_per_second must be a whole number below 2\*\*63"),
        ({"recover_per_second": float("nan")}, r"recover_per_second must be a whole number below 2\*\*63"),
        ({"recover_per_second": -1}, "recover_per_second must be 0 or more, not -1"),
    ],
)
def test_what_cannot_work_is_refused_with_what_can(words: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        DurableQueue(**{"path": "queue", **words})


def test_the_former_name_of_the_rate_works_beside_the_new_one(recwarn: pytest.WarningsRecorder) -> None:
    former, new = DurableQueue("queue", recover_spans_per_second=7), DurableQueue("queue", recover_per_second=7)
    assert former == new and hash(former) == hash(new) and repr(former) == repr(new)
    assert (former.recover_per_second, new.recover_spans_per_second) == (7, 7)
    assert replace(new, recover_per_second=8).recover_spans_per_second == 8
    assert replace(new, recover_spans_per_second=9).recover_per_second == 9  # type: ignore[call-arg]  # mypy knows fields only
    assert DurableQueue("queue", 1 << 24, None, "never", 1.0, None, True, 7, "never").recover_per_second == 7
    assert pickle.loads(pickle.dumps(new)) == new
    with pytest.raises(ValueError, match="recover_per_second must be 0 or more, not -1"):
        DurableQueue("queue", recover_spans_per_second=-1)
    assert not recwarn.list


def test_without_a_folder_there_is_none() -> None:
    assert resolve(None) is None
    assert OTLPSpanExporter(endpoint=NOWHERE).durable_queue is None


def test_variables_that_are_blank_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANWIRE_DURABLE_PATH", "  ")
    assert OTLPSpanExporter(endpoint=NOWHERE).durable_queue is None
    monkeypatch.setenv("SPANWIRE_DURABLE_PATH", "there")
    for name in ("MAX_BYTES", "MAX_AGE", "FSYNC"):
        monkeypatch.setenv(f"SPANWIRE_DURABLE_{name}", " ")
    assert OTLPSpanExporter(endpoint=NOWHERE).durable_queue == DurableQueue("there")


def test_sync_syncs_the_others_where_one_fails(tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("first", "gone", "last")]
    queues = [DurableQueue(place / "queue") for place in places]
    for place in places:
        place.mkdir()
    with processor(NOWHERE, queues[0]), processor(NOWHERE, queues[1]), processor(NOWHERE, queues[2]):
        shutil.rmtree(places[1])  # where no folder can be made again
        with pytest.raises(OSError, match="No such file"):
            sync()
        assert all(told(place / "queue")["synced_seconds_ago"] is not None for place in (places[0], places[2]))


def test_a_path_has_the_defaults_and_a_queue_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve(Path("queue")) == DurableQueue(Path("queue"))
    given = DurableQueue("queue", max_bytes=1 << 24)
    monkeypatch.setenv("SPANWIRE_DURABLE_MAX_BYTES", "20000000")
    assert resolve(given) is given


def test_a_relative_folder_is_where_it_was_when_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    queue, exporter = DurableQueue("queue"), OTLPSpanExporter(endpoint=NOWHERE, durable="queue")
    monkeypatch.chdir("/")
    assert exporter.durable_queue is not None
    assert folder_of(queue) == folder_of(exporter.durable_queue) == str(tmp_path / "queue")
    assert queue == exporter.durable_queue == DurableQueue("queue")
    assert folder_of(replace(queue, max_bytes=20_000_000)) == "/queue"


def test_a_folder_without_one_above_it_is_refused_with_the_command_that_makes_it(tmp_path: Path) -> None:
    exporter = OTLPSpanExporter(endpoint=NOWHERE, durable=tmp_path / "not there" / "queue")
    with pytest.raises(ValueError, match=f"mkdir -p '{tmp_path}/not there'$"):
        BatchSpanProcessor(exporter)


@pytest.mark.parametrize("exporter", [OTLPSpanExporter, grpc.OTLPSpanExporter])
def test_the_environment_says_where_and_how(exporter: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANWIRE_DURABLE_PATH", "there")
    assert exporter(endpoint="http://127.0.0.1:9").durable_queue == DurableQueue("there")
    monkeypatch.setenv("SPANWIRE_DURABLE_MAX_BYTES", "20000000")
    monkeypatch.setenv("SPANWIRE_DURABLE_MAX_AGE", "1.5")
    monkeypatch.setenv("SPANWIRE_DURABLE_FSYNC", "batch")
    monkeypatch.setenv("SPANWIRE_DURABLE_MAPPING", "never")
    said = DurableQueue("there", max_bytes=20_000_000, max_age=1.5, fsync="batch", mapping="never")
    assert exporter(endpoint="http://127.0.0.1:9").durable_queue == said
    # A path that is given comes first; what else there is goes for it as well.
    here = DurableQueue("here", max_bytes=20_000_000, max_age=1.5, fsync="batch", mapping="never")
    assert exporter(endpoint="http://127.0.0.1:9", durable="here").durable_queue == here


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("MAX_BYTES", "1 GiB", "SPANWIRE_DURABLE_MAX_BYTES='1 GiB' is not valid; give a number of bytes"),
        ("MAX_BYTES", "-1", "SPANWIRE_DURABLE_MAX_BYTES='-1' is not valid"),
        ("MAX_BYTES", "0", "max_bytes must be at least 16777216"),
        ("MAX_BYTES", "1048576", "max_bytes must be at least 16777216"),
        ("MAX_BYTES", "1" + "0" * 23, r"max_bytes must be a whole number below 2\*\*63"),
        ("MAX_AGE", "inf", "max_age must be at most 31536000 seconds"),
        ("MAX_AGE", "nan", "max_age must be positive seconds"),
        ("MAX_AGE", "a day", "SPANWIRE_DURABLE_MAX_AGE='a day' is not valid; give seconds"),
        ("MAX_AGE", "-1", "max_age must be positive seconds"),
        ("FSYNC", "always", "fsync must be one of never, interval, batch"),
        ("MAPPING", "sometimes", "mapping must be one of auto, always, never"),
    ],
)
def test_a_variable_that_cannot_work_is_refused(
    variable: str, text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPANWIRE_DURABLE_PATH", "there")
    monkeypatch.setenv(f"SPANWIRE_DURABLE_{variable}", text)
    with pytest.raises(ValueError, match=said):
        OTLPSpanExporter(endpoint=NOWHERE)


@pytest.mark.parametrize(
    ("variables", "service"),
    [
        ({}, "unknown_service"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=till"}, "till"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=till", "OTEL_SERVICE_NAME": "shop"}, "shop"),
    ],
)
def test_the_service_is_that_of_the_environment(
    variables: dict[str, str], service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with processor(NOWHERE, DurableQueue(tmp_path / "queue")):
        assert told(tmp_path / "queue")["service"] == service
        (folder,) = (tmp_path / "queue").iterdir()
        assert (folder / "owner").read_text() == service


def test_stats_tell_how_a_queue_is_and_sync_when_it_was_on_the_disk(tmp_path: Path) -> None:
    with processor(NOWHERE, DurableQueue(tmp_path / "queue", max_bytes=1 << 25, service="tests")) as made:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(made)
        provider.get_tracer("tests").start_span("one").end()
        # A file that is being made has its bytes already.
        wait_until(lambda: (now := told(tmp_path / "queue"))["bytes"] == now["files"] * ((1 << 24) + 4096) > 0)
        before = told(tmp_path / "queue")
        assert Path(before["folder"]).is_dir()
        assert before["max_bytes"] == 1 << 25
        assert (before["failures"], before["last_error"], before["synced_seconds_ago"]) == (0, None, None)
        sync()
        assert 0 <= told(tmp_path / "queue")["synced_seconds_ago"] < PATIENCE
    del provider, made
    assert all(Path(one["folder"]).is_dir() for one in spanwire.stats()["durable"])


def test_a_queue_that_is_synced_all_the_time_says_when_last(tmp_path: Path) -> None:
    with processor(NOWHERE, DurableQueue(tmp_path / "queue", fsync="interval", fsync_interval=0.05, service="tests")):
        wait_until(lambda: told(tmp_path / "queue")["synced_seconds_ago"] is not None)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > told(tmp_path / "queue")["synced_seconds_ago"])


def test_both_destinations_of_a_process_get_what_was_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_queue, "_LOOK_AGAIN", 0.2)
    queue = DurableQueue(tmp_path / "queue", service="tests")
    with (
        Sink() as one,
        Sink() as other,
        processor(one.traces_endpoint, queue),
        processor(other.traces_endpoint, queue),
    ):
        leave(tmp_path / "queue", "tests", 500)  # when both are there
        one.wait_for(500, timeout=PATIENCE)
        other.wait_for(500, timeout=PATIENCE)
        for sink in (one, other):
            assert sorted(int(span.name) for span in sink.spans()) == list(range(500))


def test_what_one_destination_has_not_got_stays_though_another_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_queue, "_LOOK_AGAIN", 0.2)
    queue = DurableQueue(tmp_path / "queue", service="tests")
    with Sink() as one, Sink() as other:
        before = spanwire.stats()["traces"]
        other.inject(status=503, times=None)
        with processor(one.traces_endpoint, queue):
            with processor(other.traces_endpoint, queue, timeout=0.5):
                own = set((tmp_path / "queue").iterdir())
                leave(tmp_path / "queue", "tests", 500)  # when both are there
                (left,) = set((tmp_path / "queue").iterdir()) - own
                one.wait_for(500, timeout=PATIENCE)
                wait_until(lambda: account(other.traces_endpoint, before).get("requests"))
            wait_until(lambda: account(other.traces_endpoint, before)["dropped"] == {"kept": 500})
            wait_until(lambda: account(one.traces_endpoint, before).get("queued") == 0)
            assert account(one.traces_endpoint, before)["exported"] == 500
            assert left.is_dir()
        other.clear_faults()
        # The recovery that is over may have the folder yet: this one looks again.
        with processor(other.traces_endpoint, queue):
            wait_until(lambda: account(other.traces_endpoint, before).get("exported") == 500)
            wait_until(lambda: not left.exists())
        assert sorted(int(span.name) for span in other.spans()) == list(range(500))


def test_it_is_said_who_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_queue, "_LOOK_AGAIN", 0.2)
    queue = DurableQueue(tmp_path / "queue", service="tests")

    def errors() -> set[str | None]:
        return {report["recovered"]["error"] for report in spanwire.stats()["durable"] if report["recovered"]}

    with Sink() as one, Sink() as other:
        other.inject(status=503, times=None)
        with processor(one.traces_endpoint, queue), processor(other.traces_endpoint, queue):
            leave(tmp_path / "queue", "tests", 500)  # when both are there
            wait_until(
                lambda: (
                    f"{other.traces_endpoint}: no answer for 10 seconds. Its spans stay on the disk; other destinations go on"
                    in errors()
                )
            )
            other.clear_faults()
            other.wait_for(500, timeout=PATIENCE)
            wait_until(lambda: errors() == {None})


def test_what_another_service_has_left_is_left_alone(tmp_path: Path) -> None:
    leave(tmp_path / "queue", "others", 5)
    leave(tmp_path / "queue", "tests", 7)
    with Sink() as sink, processor(sink.traces_endpoint, DurableQueue(tmp_path / "queue", service="tests")):
        sink.wait_for(7, timeout=PATIENCE)
    assert sink.span_count == 7
    assert {path.read_text() for path in (tmp_path / "queue").glob("*/owner")} >= {"others"}


def test_who_does_not_want_it_sends_nothing_of_others(tmp_path: Path) -> None:
    leave(tmp_path / "queue", "tests", 5)
    with (
        Sink() as sink,
        processor(sink.traces_endpoint, DurableQueue(tmp_path / "queue", service="tests", recover=False)) as made,
    ):
        assert made._recoverer is None
        time.sleep(2 * _queue._RECOVER_AFTER)
    assert sink.span_count == 0


def test_processors_share_one_recovery_until_all_have_left(tmp_path: Path) -> None:
    queue = DurableQueue(tmp_path / "queue", service="tests")
    with processor(NOWHERE, queue) as one:
        with processor(NOWHERE, queue) as two:
            assert joined(one) is joined(two) is not None
            first = joined(one)
        with processor(NOWHERE, queue) as three:
            assert joined(three) is first
    with processor(NOWHERE, queue) as four:
        assert joined(four) is not first


def test_when_one_leaves_it_goes_on_for_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_queue, "_LOOK_AGAIN", 0.5)
    monkeypatch.setattr(_queue, "_CALM", 0.5)
    queue = DurableQueue(tmp_path / "queue", service="tests")
    with Sink() as sink, processor(sink.traces_endpoint, queue):
        with processor(NOWHERE, queue):
            pass
        leave(tmp_path / "queue", "tests", 300)
        sink.wait_for(300, timeout=PATIENCE)
        assert sorted(int(span.name) for span in sink.spans()) == list(range(300))
        wait_until(lambda: len(list((tmp_path / "queue").iterdir())) == 1)  # its own


def test_what_one_that_left_does_not_have_stays_and_what_comes_then_is_for_those_who_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_queue, "_LOOK_AGAIN", 0.5)
    monkeypatch.setattr(_queue, "_CALM", 3.0)
    queue = DurableQueue(tmp_path / "queue", service="tests")
    with Sink() as one, Sink() as other:
        before = spanwire.stats()["traces"]
        other.inject(status=503, times=None)
        with processor(one.traces_endpoint, queue) as staying:
            with processor(other.traces_endpoint, queue, timeout=0.5):
                own = set((tmp_path / "queue").iterdir())
                leave(tmp_path / "queue", "tests", 300)  # when both are there
                leave(tmp_path / "queue", "tests", 200)
                first, second = sorted(set((tmp_path / "queue").iterdir()) - own)
                one.wait_for(500, timeout=PATIENCE)  # though the other has nothing
                wait_until(lambda: account(other.traces_endpoint, before).get("requests"))
                recovery = joined(staying)
                assert recovery is not None
                wait_until(lambda: recovery.shares()[one.traces_endpoint] == {"spans": 500, "left": 0})
                assert recovery.shares()[other.traces_endpoint] == {"spans": 0, "left": 500}
                leaves_at = time.monotonic()
            leave(tmp_path / "queue", "tests", 100)
            # A program that ends shuts its processors down one after the other: the next folder is left alone until it is calm.
            wait_until(lambda: one.span_count > 500)
            assert time.monotonic() - leaves_at >= 3.0
            one.wait_for(600, timeout=PATIENCE)
            wait_until(lambda: set((tmp_path / "queue").iterdir()) - own == {first, second})
            assert recovery.numbers() == (3, 600, 0, 0)
            # It is not sent again to who has it, however often the folders are looked at.
            time.sleep(2.0)
            assert (one.span_count, other.span_count) == (600, 0)
            other.clear_faults()
            with processor(other.traces_endpoint, queue) as back:
                assert joined(back) is recovery
                other.wait_for(500, timeout=PATIENCE)
                wait_until(lambda: not first.exists() and not second.exists())
            assert (one.span_count, other.span_count) == (600, 500)
        assert [int(span.name) for span in other.spans()] == [*range(300), *range(200)]


def test_what_one_that_left_had_answered_for_goes_when_the_others_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_queue, "_LOOK_AGAIN", 0.2)
    queue = DurableQueue(tmp_path / "queue", service="tests")
    with Sink() as slow, Sink() as quick:
        before = spanwire.stats()["traces"]
        slow.inject(status=503, times=None)
        with processor(slow.traces_endpoint, queue) as staying:
            with processor(quick.traces_endpoint, queue):
                own = set((tmp_path / "queue").iterdir())
                leave(tmp_path / "queue", "tests", 300)  # when both are there
                (left,) = set((tmp_path / "queue").iterdir()) - own
                quick.wait_for(300, timeout=PATIENCE)
                wait_until(lambda: account(quick.traces_endpoint, before).get("exported") == 300)
                # The account has the answer before recovery has noted it, and a processor that leaves in between is not waited for.
                recovery = joined(staying)
                assert recovery is not None
                wait_until(lambda: recovery.shares()[quick.traces_endpoint] == {"spans": 300, "left": 0})
                wait_until(lambda: account(slow.traces_endpoint, before).get("requests"))
            assert left.is_dir()
            slow.clear_faults()
            wait_until(lambda: not left.exists())
            assert (slow.span_count, quick.span_count) == (300, 300)


def test_what_was_left_too_long_ago_is_dropped_and_counted(tmp_path: Path) -> None:
    leave(tmp_path / "queue", "tests", 300)
    time.sleep(0.2)
    with Sink() as sink:
        before = spanwire.stats()["traces"]
        queue = DurableQueue(tmp_path / "queue", service="tests", max_age=0.1)
        with processor(sink.traces_endpoint, queue):
            wait_until(lambda: account(sink.traces_endpoint, before)["dropped"])
        assert account(sink.traces_endpoint, before)["dropped"] == {"expired": 300}
        assert sink.span_count == 0
    wait_until(lambda: not list((tmp_path / "queue").glob("*/owner")))


def test_what_waits_too_long_in_the_own_queue_is_dropped_and_counted(tmp_path: Path) -> None:
    with Sink() as sink:
        sink.inject(status=503, times=None)
        before = spanwire.stats()["traces"]
        queue = DurableQueue(tmp_path / "queue", service="tests", max_age=0.5)
        with processor(sink.traces_endpoint, queue, timeout=0.5) as made:
            provider = TracerProvider(shutdown_on_exit=False)
            provider.add_span_processor(made)
            tracer = provider.get_tracer("tests")
            spans = 6_000  # of 1 KB: some blocks, of which all but the last can be told to be old
            for number in range(spans):
                tracer.start_span(str(number), attributes={"text": "x" * 1000}).end()

            def expired() -> int:
                tracer.start_span("later", attributes={"text": "x" * 1000}).end()
                return account(sink.traces_endpoint, before)["dropped"].get("expired", 0)  # type: ignore[no-any-return]

            wait_until(lambda: expired() > 1_000)
            now = account(sink.traces_endpoint, before)
            assert now["accepted"] == now["queued"] + sum(now["dropped"].values())
            assert set(now["dropped"]) == {"expired"}


def test_stats_tell_what_has_become_of_what_was_left(tmp_path: Path) -> None:
    leave(tmp_path / "queue", "tests", 300)
    (file,) = (tmp_path / "queue").glob("*/*.spans")
    (file.parent / "00000000000000ff.spans").write_bytes(b"nobody understands this")
    with Sink() as sink, processor(sink.traces_endpoint, DurableQueue(tmp_path / "queue", service="tests")) as made:
        recovery = joined(made)
        assert recovery is not None
        assert recovery._adoption.wait(PATIENCE)
        assert told(tmp_path / "queue")["recovered"] == {
            "folders": 1,
            "spans": 300,
            "damaged": 0,
            "files": 1,
            "destinations": {sink.traces_endpoint: {"spans": 300, "left": 0}},
            "error": None,
        }
    del made
    with processor(NOWHERE, DurableQueue(tmp_path / "queue", service="another", recover=False)):
        (found,) = (one for one in spanwire.stats()["durable"] if one["service"] == "another")
        assert found["recovered"] is None


@pytest.mark.parametrize("seconds", [-1.0, float("-inf"), float("nan")])
def test_a_timeout_that_is_over_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(_queue, "_RECOVER_AFTER", 3600.0)  # so there is no answer but by the timeout
    with Sink() as sink, processor(sink.traces_endpoint, DurableQueue(tmp_path / "queue", service="tests")) as made:
        recovery = joined(made)
        assert recovery is not None
        adoption = recovery._adoption
        answers: list[bool] = []
        waiting = threading.Thread(target=lambda: answers.append(adoption.wait(seconds)), daemon=True)
        waiting.start()
        waiting.join(PATIENCE)
        assert answers == [False]


def test_what_is_kept_is_told_as_that_and_as_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log, "_last", {})
    before = spanwire.stats()["traces"]
    drops: list[DropEvent] = []
    subscription = subscribe(on_drop=drops.append)
    try:
        with processor(NOWHERE, DurableQueue(tmp_path / "queue", service="tests", recover=False)) as made:
            provider = TracerProvider(shutdown_on_exit=False)
            provider.add_span_processor(made)
            tracer = provider.get_tracer("tests")
            for number in range(10):
                tracer.start_span(str(number)).end()
            wait_until(lambda: account(NOWHERE, before).get("retries"))
        assert account(NOWHERE, before)["dropped"] == {"kept": 10}
        tracer.start_span("late").end()  # what is lost is told with all that was before
        wait_until(lambda: [event for event in drops if event.destination == NOWHERE])
    finally:
        subscription.cancel()
    assert [(event.reason, event.count) for event in drops if event.destination == NOWHERE] == [("shutdown", 1)]
    lines = [record.getMessage() for record in caplog.records if NOWHERE in record.getMessage()]
    assert [line for line in lines if "are on the disk and are sent by the next start" in line]
    assert not [line for line in lines if "are lost" in line]


@pytest.mark.parametrize("mapping", ["never", "auto"])
def test_mapping_that_was_disabled_is_no_failure_for_prometheus(tmp_path: Path, mapping: str) -> None:
    queue = DurableQueue(tmp_path, mapping=mapping)
    batch = BatchSpanProcessor(OTLPSpanExporter(endpoint=NOWHERE, durable=queue))
    try:
        report = told(tmp_path)
        said = [
            line for line in render(spanwire.stats()).splitlines() if line.startswith("spanwire_durable_not_mapped")
        ]
    finally:
        batch.shutdown()
    expected = int(mapping == "auto" and report["not_mapped"] is not None)
    assert [line.rpartition(" ")[2] for line in said if str(tmp_path) in line] == [str(expected)]
    assert (report["not_mapped"] == "mapping=never") is (mapping == "never")
