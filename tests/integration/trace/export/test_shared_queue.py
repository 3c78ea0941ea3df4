"""Batch processors with neighbouring places in a provider: one copy of each span, and everything else each for itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor

import spanwire
from spanwire._native import FrameQueue, SharedQueue, inspect_durable
from spanwire.durable import DurableQueue
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.books import Accounts, since

NOWHERE = "http://127.0.0.1:9/of/these/tests"  # whose counts no other test changes
HOUR = 3_600_000


@pytest.fixture
def sinks() -> Iterator[tuple[Sink, Sink]]:
    with Sink() as first, Sink() as second:
        yield first, second


def make_processor(endpoint: str, durable: DurableQueue | None = None, **limits: Any) -> BatchSpanProcessor:
    return BatchSpanProcessor(
        OTLPSpanExporter(endpoint=endpoint, timeout=10, durable=durable), schedule_delay_millis=HOUR, **limits
    )


def make_provider(*processors: SpanProcessor) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    for processor in processors:
        provider.add_span_processor(processor)
    return provider


def end_spans(provider: TracerProvider, count: int, name: str = "span") -> None:
    tracer = provider.get_tracer("tests")
    for _ in range(count):
        tracer.start_span(name).end()


@pytest.fixture
def before() -> Accounts:
    accounts: Accounts = spanwire.stats()["traces"]
    return accounts


def check_balance(before: Accounts, endpoint: str) -> dict[str, Any]:
    account = since(before.get(endpoint, {}), spanwire.stats()["traces"][endpoint])
    assert account["accepted"] == account["exported"] + account["queued"] + sum(account["dropped"].values())
    return account


def test_each_destination_gets_every_span_once(before: Accounts, sinks: tuple[Sink, Sink]) -> None:
    processors = [make_processor(sink.traces_endpoint) for sink in sinks]
    provider = make_provider(*processors)
    end_spans(provider, 5000)
    assert provider.force_flush()
    for sink in sinks:
        ids = [span.span_id for span in sink.spans()]
        assert len(ids) == len(set(ids)) == 5000
        assert check_balance(before, sink.traces_endpoint)["exported"] == 5000
    provider.shutdown()


def test_one_that_is_dead_or_small_takes_nothing_from_the_other(before: Accounts, sinks: tuple[Sink, Sink]) -> None:
    alive, dead = (
        make_processor(sinks[0].traces_endpoint),
        make_processor(NOWHERE, max_queue_size=10, max_export_batch_size=5),
    )
    provider = make_provider(dead, alive)
    end_spans(provider, 100)
    assert len(alive._queue) == 100
    assert len(dead._queue) <= 10
    assert alive.force_flush()
    assert sinks[0].span_count == 100
    provider.shutdown()
    dropped = check_balance(before, NOWHERE)["dropped"]
    assert sum(dropped.values()) == 100
    assert dropped["queue_full"] >= 80


def test_what_one_processor_is_given_directly_the_other_does_not_get(sinks: tuple[Sink, Sink]) -> None:
    first, second = (make_processor(sink.traces_endpoint) for sink in sinks)
    both, alone = make_provider(first, second), make_provider(first)
    end_spans(both, 3, "both")
    end_spans(alone, 2, "alone")
    assert first.force_flush()
    assert second.force_flush()
    assert sorted(span.name for span in sinks[0].spans()) == ["alone"] * 2 + ["both"] * 3
    assert [span.name for span in sinks[1].spans()] == ["both"] * 3
    for provider in (both, alone):
        provider.shutdown()


def test_a_processor_that_redacts_is_not_passed_over_by_those_before_it(sinks: tuple[Sink, Sink]) -> None:
    class Redact(SpanProcessor):
        def on_end(self, span: object) -> None:
            span._attributes = {}  # type: ignore[attr-defined]  # as libraries do

    # As with the SDK, which gives both the object that the processor between them writes to.
    first, second = (make_processor(sink.traces_endpoint) for sink in sinks)
    provider = make_provider(first, Redact(), second)
    with provider.get_tracer("tests").start_as_current_span("span") as span:
        span.set_attribute("secret", "word")
    assert provider.force_flush()
    assert [dict(span.attributes) for span in sinks[0].spans()] == [{}]
    assert [dict(span.attributes) for span in sinks[1].spans()] == [{}]
    provider.shutdown()


def test_one_that_is_added_later_gets_what_ends_from_then_on(sinks: tuple[Sink, Sink]) -> None:
    first, second = (make_processor(sink.traces_endpoint) for sink in sinks)
    provider = make_provider(first)
    end_spans(provider, 3, "before")
    provider.add_span_processor(second)
    end_spans(provider, 2, "after")
    second.shutdown()
    end_spans(provider, 1, "last")
    assert first.force_flush()
    assert sorted(span.name for span in sinks[0].spans()) == ["after"] * 2 + ["before"] * 3 + ["last"]
    assert [span.name for span in sinks[1].spans()] == ["after"] * 2
    provider.shutdown()
    counts = second._queue.counts()
    assert counts["accepted"] == counts["taken"] + counts["queued"] + counts["full"] + counts["closed"] == 3


def test_what_waits_in_a_shared_queue_that_is_gone_is_still_sent(sinks: tuple[Sink, Sink]) -> None:
    processors = [make_processor(sink.traces_endpoint) for sink in sinks]
    provider = make_provider(*processors)
    end_spans(provider, 10)
    third = make_processor(sinks[0].traces_endpoint)
    provider.add_span_processor(third)  # another queue is made for the three
    end_spans(provider, 5)
    for processor in processors:
        assert processor.force_flush()
        assert processor._queue.counts()["taken"] == 15
    assert sinks[1].span_count == 15
    provider.shutdown()
    assert sinks[0].span_count == 20


def test_a_shared_queue_is_of_something() -> None:
    with pytest.raises(ValueError, match="at least one"):
        SharedQueue([])
    assert SharedQueue([FrameQueue()]).address > 0


def left(folder: Path) -> int:
    """Spans in it that are not delivered."""
    return sum(found["spans"] for found in inspect_durable(folder, None))


def folders(place: Path) -> list[Path]:
    """Of this process, below a folder."""
    all_of_them = [Path(report["folder"]) for report in spanwire.stats()["durable"]]
    return [folder for folder in all_of_them if folder.is_relative_to(place)]


def holds(folder: Path, what: bytes) -> bool:
    return any(what in path.read_bytes() for path in folder.glob("*.spans"))


def test_spans_of_one_that_has_no_folder_lie_in_none(
    before: Accounts, sinks: tuple[Sink, Sink], tmp_path: Path
) -> None:
    """Else they were counted as kept, and nobody sent them."""
    queue = DurableQueue(tmp_path / "queue", service="tests", recover=False)
    alive, dead = make_processor(sinks[0].traces_endpoint, queue), make_processor(NOWHERE)
    provider = make_provider(alive, dead)
    end_spans(provider, 100)
    assert alive.force_flush()
    provider.shutdown()
    assert sinks[0].span_count == 100
    assert check_balance(before, sinks[0].traces_endpoint)["dropped"] == {}
    assert "kept" not in check_balance(before, NOWHERE)["dropped"]
    assert sum(check_balance(before, NOWHERE)["dropped"].values()) == 100
    del provider, alive, dead
    assert left(tmp_path / "queue") == 0


@pytest.mark.parametrize(
    "other",
    [
        {"path": "other"},
        {"service": "another"},
        {"fsync": "batch"},
        {"max_bytes": 1 << 25},
    ],
    ids=lambda other: next(iter(other)),
)
def test_those_that_keep_spans_otherwise_have_each_their_own(
    other: dict[str, Any], before: Accounts, sinks: tuple[Sink, Sink], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words: dict[str, Any] = {"path": "queue", "service": "tests", "recover": False}
    queues = DurableQueue(**words), DurableQueue(**(words | other))
    first, second = (make_processor(sink.traces_endpoint, queue) for sink, queue in zip(sinks, queues, strict=True))
    assert not first._queue.shares_with(second._queue)
    provider = make_provider(first, second)
    end_spans(provider, 100, "to be found")
    assert [holds(folder, b"to be found") for folder in folders(tmp_path)] == [True, True]
    assert provider.force_flush()
    assert [sink.span_count for sink in sinks] == [100, 100]
    provider.shutdown()


def test_those_with_the_same_settings_share(sinks: tuple[Sink, Sink], tmp_path: Path) -> None:
    queue = DurableQueue(tmp_path / "queue", service="tests", recover=False)
    first, second = (make_processor(sink.traces_endpoint, queue) for sink in sinks)
    assert first._queue.shares_with(second._queue)
    provider = make_provider(first, second)
    end_spans(provider, 100, "to be found")
    assert sorted(holds(folder, b"to be found") for folder in folders(tmp_path)) == [False, True]
    assert provider.force_flush()
    assert [sink.span_count for sink in sinks] == [100, 100]
    provider.shutdown()
