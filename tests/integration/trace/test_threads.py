"""64 threads: each its own current span; spans shared, handed over, ended elsewhere, ended twice at once, or never."""

import gc
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import context as context_api
from opentelemetry import trace

from tests.integration.trace.concurrent import Side, current

THREADS = 64


def in_threads(work: Callable[[int], None], threads: int = THREADS) -> None:
    """Runs ``work(number)`` in so many threads, which begin together; what they raise is raised."""
    barrier = threading.Barrier(threads)
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            barrier.wait(60)
            work(number)
        except BaseException as error:
            errors.append(error)

    started = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.parametrize("spans", [20, pytest.param(500, marks=pytest.mark.slow)])
def test_threads_keep_their_spans_apart(side: Side, spans: int, switch_often: None) -> None:
    def work(thread: int) -> None:
        assert current() is None
        for number in range(spans):
            outer, inner = f"{thread} outer {number}", f"{thread} inner {number}"
            with side.tracer.start_as_current_span(outer, attributes={"thread": thread, "number": number}) as span:
                assert current() == outer
                with side.tracer.start_as_current_span(inner) as child:
                    child.set_attribute("thread", thread)
                    assert current() == inner
                    side.tracer.start_span(f"{thread} leaf {number}").end()
                assert current() == outer
                span.set_attribute("text", f"{thread}/{number}")
        assert current() is None

    in_threads(work)
    tree = side.tree()
    assert len(tree) == THREADS * spans * 3
    for thread in range(THREADS):
        for number in range(spans):
            outer, inner = f"{thread} outer {number}", f"{thread} inner {number}"
            assert (tree[outer], tree[inner], tree[f"{thread} leaf {number}"]) == (None, outer, inner)
    for span in side.spans():
        thread_text, kind, number_text = span.name.split()
        expected: dict[str, Any] = {"thread": int(thread_text)}
        if kind == "outer":
            expected |= {"number": int(number_text), "text": f"{thread_text}/{number_text}"}
        assert span.attributes == ({} if kind == "leaf" else expected)


def test_a_span_handed_to_threads_is_the_parent_there(side: Side, switch_often: None) -> None:
    with side.tracer.start_as_current_span("shared"):
        handed = context_api.get_current()

    def work(thread: int) -> None:
        assert current() is None
        token = context_api.attach(handed)
        try:
            assert current() == "shared"
            with side.tracer.start_as_current_span(f"child {thread}"):
                side.tracer.start_span(f"grandchild {thread}").end()
            side.tracer.start_span(f"second {thread}", context=handed).end()
        finally:
            context_api.detach(token)
        assert current() is None

    in_threads(work)
    expected: dict[str, str | None] = {"shared": None}
    for thread in range(THREADS):
        expected |= {
            f"child {thread}": "shared",
            f"grandchild {thread}": f"child {thread}",
            f"second {thread}": "shared",
        }
    assert side.tree() == expected


def test_all_threads_write_to_one_span(side: Side, switch_often: None) -> None:
    span = side.tracer.start_span("shared")

    def work(thread: int) -> None:
        for number in range(100):
            span.set_attribute(f"{thread} {number}", f"{thread * 1000 + number}")
            span.set_attribute("last", thread)
            span.set_attribute(f"again {thread}", number)

    in_threads(work)
    span.end()
    (seen,) = side.spans()
    assert seen.attributes.pop("last") in range(THREADS)
    expected: dict[str, Any] = {f"again {thread}": 99 for thread in range(THREADS)}
    expected |= {
        f"{thread} {number}": f"{thread * 1000 + number}" for thread in range(THREADS) for number in range(100)
    }
    assert seen.attributes == expected


def test_a_span_that_all_threads_end_ends_once(
    side: Side, switch_often: None, caplog: pytest.LogCaptureFixture
) -> None:
    spans = [side.tracer.start_span(f"span {number}") for number in range(50)]

    def work(_: int) -> None:
        for span in spans:
            span.set_attribute("racing", True)
            span.end()

    in_threads(work)
    assert sorted(side.tree()) == sorted(span.name for span in spans)
    logged = Counter(record.getMessage() for record in caplog.records)
    assert logged["Calling end() on an ended span."] == (THREADS - 1) * len(spans)


def test_spans_ended_in_another_thread_than_they_began(side: Side) -> None:
    """Each thread starts spans that its neighbour makes current, uses and ends."""
    handed: list[list[Any]] = [[] for _ in range(THREADS)]
    full = threading.Barrier(THREADS)

    def work(thread: int) -> None:
        for number in range(10):
            handed[thread].append(side.tracer.start_span(f"{thread} span {number}"))
        full.wait(60)
        neighbour = (thread + 1) % THREADS
        for number, span in enumerate(handed[neighbour]):
            with trace.use_span(span, end_on_exit=True):
                assert current() == f"{neighbour} span {number}"
                side.tracer.start_span(f"{neighbour} child {number}").end()
            assert not span.is_recording()

    in_threads(work)
    tree = side.tree()
    assert len(tree) == THREADS * 20
    for thread in range(THREADS):
        for number in range(10):
            assert tree[f"{thread} span {number}"] is None
            assert tree[f"{thread} child {number}"] == f"{thread} span {number}"


def test_spans_that_never_end_are_not_sent_and_leave_their_children_whole(side: Side) -> None:
    ids: dict[str, int] = {}
    lock = threading.Lock()

    def work(thread: int) -> None:
        for number in range(20):
            span = side.tracer.start_span(f"{thread} never {number}", attributes={"big": "x" * 5_000})
            with trace.use_span(span):
                side.tracer.start_span(f"{thread} child {number}").end()
            with lock:
                ids[f"{thread} child {number}"] = span.get_span_context().span_id
            del span
            scope = side.tracer.start_as_current_span(f"{thread} unentered {number}")
            del scope

    in_threads(work)
    gc.collect()
    assert side.tree() == {name: f"#{parent:016x}" for name, parent in ids.items()}


def test_a_thread_that_ends_inside_a_scope_leaves_others_alone(side: Side) -> None:
    """The thread's context dies with the scope entered; nothing of it shows up in threads that come after."""
    abandoned: list[Any] = []

    def leaves(thread: int) -> None:
        scope = side.tracer.start_as_current_span(f"abandoned {thread}")
        scope.__enter__()
        if thread % 2:
            abandoned.append(scope)

    def comes_after(thread: int) -> None:
        assert current() is None
        with side.tracer.start_as_current_span(f"after {thread}"):
            assert current() == f"after {thread}"
        assert current() is None

    in_threads(leaves)
    in_threads(comes_after)
    abandoned.clear()
    gc.collect()
    in_threads(lambda thread: comes_after(thread + THREADS))
    sent = {name: parent for name, parent in side.tree().items() if name.startswith("after")}
    assert sent == {f"after {number}": None for number in range(2 * THREADS)}
