"""Generators suspended inside a span, and resumed, closed or thrown away elsewhere.

Whatever the SDK leaves as current at each step, and logs, ours leaves and logs: each program writes a diary under both.
"""

import asyncio
import contextvars
import gc
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest

from tests.integration.trace.concurrent import SIDES, Diary, Side, current, side

Program = Callable[[Side, Diary], None]
Steps = Generator[int, None, None]

DETACH_FAILED = "opentelemetry.context ERROR: Failed to detach context"


def suspends(side: Side, name: str, diary: Diary) -> Steps:
    """A generator that is suspended twice inside a span, and says who is current when it goes on."""
    with side.tracer.start_as_current_span(name):
        diary.note(f"{name} begins")
        yield 1
        diary.note(f"{name} goes on")
        side.tracer.start_span(f"child of {name}").end()
        yield 2
        diary.note(f"{name} is done")


def exhausted_where_it_began(side: Side, diary: Diary) -> None:
    with side.tracer.start_as_current_span("outer"):
        for number in suspends(side, "one", diary):
            diary.note(f"consumer {number}")
            side.tracer.start_span(f"of consumer {number}").end()
        diary.note("consumer after")


def interleaved(side: Side, diary: Diary) -> None:
    one, two = suspends(side, "one", diary), suspends(side, "two", diary)
    next(one)
    diary.note("one suspended")
    next(two)
    diary.note("two suspended")
    next(one)
    diary.note("one suspended again")
    next(two)
    assert list(one) == []
    diary.note("one exhausted")
    assert list(two) == []
    diary.note("two exhausted")


def closed_in_another_context(side: Side, diary: Diary) -> None:
    steps = suspends(side, "one", diary)
    there = contextvars.copy_context()
    there.run(next, steps)
    there.run(diary.note, "there")
    with side.tracer.start_as_current_span("here"):
        steps.close()
        diary.note("closed here")
    diary.note("here left")
    there.run(diary.note, "there later")
    there.run(side.tracer.start_span, "started there").end()


def resumed_in_another_context(side: Side, diary: Diary) -> None:
    steps = suspends(side, "one", diary)
    first, second = contextvars.copy_context(), contextvars.copy_context()
    first.run(next, steps)
    with side.tracer.start_as_current_span("here"):
        second.run(next, steps)
        second.run(diary.note, "second")
        assert list(steps) == []
        diary.note("exhausted here")
    diary.note("here left")
    first.run(diary.note, "first")
    second.run(diary.note, "second later")


def thrown_into_in_another_context(side: Side, diary: Diary) -> None:
    steps = suspends(side, "one", diary)
    contextvars.copy_context().run(next, steps)
    with side.tracer.start_as_current_span("here"):
        with pytest.raises(LookupError):
            steps.throw(LookupError("thrown"))
        diary.note("thrown")


def finished_by_another_thread(side: Side, diary: Diary) -> None:
    steps = suspends(side, "one", diary)
    next(steps)

    def work() -> None:
        diary.note("thread begins")
        with side.tracer.start_as_current_span("thread"):
            next(steps)
            diary.note("thread resumed")
            steps.close()
            diary.note("thread closed")
        diary.note("thread ends")

    thread = threading.Thread(target=work, name="resumes", args=())
    contextvars.Context().run(thread.start)  # an empty context on every version
    thread.join()
    diary.note("back")


def thrown_away(side: Side, diary: Diary) -> None:
    """The last reference goes while other spans are current: the generator is closed there and then."""
    steps: Steps | None = suspends(side, "one", diary)
    assert steps is not None
    next(steps)
    scope = side.tracer.start_as_current_span("other")
    scope.__enter__()
    steps = None
    gc.collect()
    diary.note("thrown away")
    scope.__exit__(None, None, None)
    diary.note("other left")


def scopes_left_out_of_order(side: Side, diary: Diary) -> None:
    outer, inner = side.tracer.start_as_current_span("outer"), side.tracer.start_as_current_span("inner")
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)
    diary.note("outer left first")
    side.tracer.start_span("between").end()
    inner.__exit__(None, None, None)
    diary.note("inner left")
    side.tracer.start_span("after").end()


def delegates(side: Side, diary: Diary) -> None:
    def all_of() -> Steps:
        with side.tracer.start_as_current_span("delegate"):
            yield from suspends(side, "one", diary)
            yield from suspends(side, "two", diary)

    steps = all_of()
    there = contextvars.copy_context()
    for _ in range(3):
        there.run(next, steps)
        there.run(diary.note, "there")
    steps.close()
    diary.note("closed here")
    there.run(diary.note, "there later")


def decorated(side: Side, diary: Diary) -> None:
    def make(name: str) -> Callable[[], Steps]:
        @side.tracer.start_as_current_span(name)  # type: ignore[untyped-decorator]
        def generator() -> Steps:
            diary.note(f"{name} begins")
            side.tracer.start_span(f"child of {name}").end()
            yield 1
            diary.note(f"{name} goes on")

        return generator  # type: ignore[no-any-return]

    for _ in make("one")():
        diary.note("consumer")
    for _ in make("two")():
        break
    diary.note("after")


async def asynchronously(side: Side, name: str, diary: Diary) -> AsyncGenerator[int, None]:
    with side.tracer.start_as_current_span(name):
        diary.note(f"{name} begins")
        yield 1
        await asyncio.sleep(0)
        diary.note(f"{name} goes on")
        side.tracer.start_span(f"child of {name}").end()
        yield 2
        diary.note(f"{name} is done")


def async_exhausted(side: Side, diary: Diary) -> None:
    async def main() -> None:
        with side.tracer.start_as_current_span("outer"):
            async for number in asynchronously(side, "one", diary):
                diary.note(f"consumer {number}")
            diary.note("after")

    asyncio.run(main())


def async_closed_by_another_task(side: Side, diary: Diary) -> None:
    async def main() -> None:
        steps = asynchronously(side, "one", diary)

        async def begin() -> None:
            await anext_of(steps)
            diary.note("beginner")

        async def close() -> None:
            with side.tracer.start_as_current_span("closer"):
                await steps.aclose()
                diary.note("closed")
            diary.note("closer left")

        await asyncio.create_task(begin())
        diary.note("main")
        await asyncio.create_task(close())
        diary.note("main after")

    asyncio.run(main())


def async_thrown_away(side: Side, diary: Diary) -> None:
    """The loop closes it in a task of its own."""

    async def main() -> None:
        async def begin() -> None:
            await anext_of(asynchronously(side, "one", diary))

        await asyncio.create_task(begin())
        gc.collect()
        for _ in range(5):
            await asyncio.sleep(0)
        diary.note("main")

    asyncio.run(main())
    diary.note("after the loop")


async def anext_of(steps: AsyncGenerator[int, None]) -> int:
    return await steps.__anext__()


PROGRAMS: list[Program] = [
    exhausted_where_it_began,
    interleaved,
    closed_in_another_context,
    resumed_in_another_context,
    thrown_into_in_another_context,
    finished_by_another_thread,
    thrown_away,
    scopes_left_out_of_order,
    delegates,
    decorated,
    async_exhausted,
    async_closed_by_another_task,
    async_thrown_away,
]
# Those that leave a scope in another context than they entered it in.
ELSEWHERE: dict[Program, int] = {
    closed_in_another_context: 1,
    resumed_in_another_context: 1,
    thrown_into_in_another_context: 1,
    finished_by_another_thread: 1,
    delegates: 2,
    async_closed_by_another_task: 1,
    async_thrown_away: 1,
}


def story(name: str, program: Program, caplog: pytest.LogCaptureFixture) -> tuple[Diary, list[tuple[str, str | None]]]:
    """The diary under one side, and the spans in order of ending with the names of their parents."""

    def run(made: Side, diary: Diary) -> None:
        program(made, diary)
        gc.collect()

    caplog.clear()
    diary = Diary()
    with side(name) as made:
        contextvars.Context().run(run, made, diary)
        diary.logged(caplog)
        assert current() is None
        return diary, list(made.tree().items())


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
@pytest.mark.parametrize("ours", [name for name in SIDES if name != "sdk"])
def test_suspended_generators_behave_as_with_the_sdk(
    ours: str, program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    expected, expected_tree = story("sdk", program, caplog)
    diary, tree = story(ours, program, caplog)
    assert diary.entries == expected.entries
    assert tree == expected_tree
    failures = [kind for text, kind in diary.entries if text == DETACH_FAILED]
    assert failures == ["ValueError"] * ELSEWHERE.get(program, 0)


def test_a_thousand_suspended_generators_closed_in_any_order(side: Side, caplog: pytest.LogCaptureFixture) -> None:
    """Each in a context of its own; closed from this one, they fail to detach, and every span still ends under its parent."""
    diary = Diary()
    generators: list[Steps] = []
    for number in range(1_000):
        steps = suspends(side, f"generator {number}", diary)
        with side.tracer.start_as_current_span(f"parent {number}"):
            contextvars.copy_context().run(next, steps)
        generators.append(steps)
    for number in sorted(range(1_000), key=lambda number: number * 7919 % 1_000):
        generators[number].close()
        assert current() is None
    assert sum(record.getMessage() == "Failed to detach context" for record in caplog.records) == 1_000
    expected: dict[str, Any] = {f"generator {number}": f"parent {number}" for number in range(1_000)}
    assert side.tree() == expected | {f"parent {number}": None for number in range(1_000)}
