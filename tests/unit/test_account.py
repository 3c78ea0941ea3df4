"""Counts of spans that exporters in Python are given."""

import os

import pytest

from spanwire._native import FrameQueue
from spanwire._telemetry import account as _account
from spanwire._telemetry.account import Account
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from spanwire.trace.export.in_memory_span_exporter import InMemorySpanExporter


def test_a_batch_is_under_way_until_it_is_answered() -> None:
    account = Account("name")
    first, second = account.begin(3), account.begin(4)
    assert account.snapshot() == _account.empty() | {"accepted": 7, "queued": 7, "requests": 2}
    first.end(3, None, "")
    second.end(4, "refused", "why")
    assert account.snapshot() == _account.empty() | {
        "accepted": 7,
        "exported": 3,
        "requests": 2,
        "dropped": {"refused": 4},
        "last_error": "why",
    }


def test_what_a_queue_drops_is_counted_once() -> None:
    account, memory = Account("name"), InMemorySpanExporter()
    processor = BatchSpanProcessor(memory, max_queue_size=2, max_export_batch_size=2, schedule_delay_millis=3_600_000)
    queue: FrameQueue = processor._queue
    queue.begin_reader()  # nobody reads
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    for _ in range(5):
        provider.get_tracer("tests").start_span("span").end()
    assert account.lose_dropped(queue) == (3, 0, 0, 0, 0)
    assert account.lose_dropped(queue) == (0, 0, 0, 0, 0)
    queue.close()
    provider.get_tracer("tests").start_span("late").end()
    assert account.lose_dropped(queue) == (0, 1, 0, 0, 0)
    assert account.snapshot()["dropped"] == {"queue_full": 3, "shutdown": 1}
    queue.discard()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_begins_at_zero_and_does_not_count_what_its_parent_began() -> None:
    account = Account("name")
    counts = account.begin(3)
    child = os.fork()
    if child == 0:  # pragma: no cover  # the child's coverage is nobody's
        counts.end(3, None, "")
        is_right = account.snapshot() == _account.empty()
        os._exit(0 if is_right else 1)
    assert os.waitpid(child, 0)[1] == 0
    counts.end(3, None, "")
    assert account.snapshot()["exported"] == 3


def test_exporters_of_one_name_share_an_account() -> None:
    assert _account.account("shared by name") is _account.account("shared by name")
    assert _account.accounts()["shared by name"] == _account.empty()
