"""Ten thousand tasks: each sees its own span as current after every await, and every span has the right parent."""

import asyncio
import contextvars

import pytest
from opentelemetry import trace

from tests.integration.trace.concurrent import Side, current

TASKS = [500, pytest.param(10_000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("tasks", TASKS)
def test_tasks_keep_their_spans_apart(side: Side, tasks: int) -> None:
    if side.name == "native" and tasks > 500:
        side.read()  # the sink keeps them all
    wrong: list[str] = []

    async def step(name: str, times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(0)
            if current() != name:
                wrong.append(f"{name}: {current()}")

    async def work(number: int) -> None:
        own = f"task {number}"
        with side.tracer.start_as_current_span(own, attributes={"number": number}) as span:
            await step(own, number % 4)
            with side.tracer.start_as_current_span(f"child {number}"):
                await step(f"child {number}", number % 3)
            await step(own, 1)
            span.set_attribute("done", number)
            if number % 10 == 0:
                inner = asyncio.create_task(leaf(number))
                await step(own, 1)
                await inner

    async def leaf(number: int) -> None:
        await step(f"task {number}", 2)
        with side.tracer.start_as_current_span(f"leaf {number}"):
            await step(f"leaf {number}", 1)
        await step(f"task {number}", 1)

    async def main() -> None:
        with side.tracer.start_as_current_span("root"):
            await asyncio.gather(*(work(number) for number in range(tasks)))
            assert current() == "root"
        assert current() is None

    asyncio.run(main())
    assert wrong == []
    expected: dict[str, str | None] = {"root": None}
    for number in range(tasks):
        expected[f"task {number}"] = "root"
        expected[f"child {number}"] = f"task {number}"
        if number % 10 == 0:
            expected[f"leaf {number}"] = f"task {number}"
    assert side.tree() == expected
    for span in side.spans():
        if span.name.startswith("task"):
            number = int(span.name.split()[1])
            assert span.attributes == {"number": number, "done": number}


def test_a_task_outlives_the_span_under_which_it_was_made(side: Side) -> None:
    """Its context was captured, so it keeps that span as its parent, whatever has been current since."""

    async def late(number: int, go: asyncio.Event) -> None:
        await go.wait()
        assert current() == f"parent {number}"
        with side.tracer.start_as_current_span(f"late {number}"):
            await asyncio.sleep(0)
            assert current() == f"late {number}"

    async def main() -> None:
        go = asyncio.Event()
        tasks = []
        for number in range(200):
            with side.tracer.start_as_current_span(f"parent {number}"):
                tasks.append(asyncio.create_task(late(number, go)))
                if number % 2:
                    await asyncio.sleep(0)  # the task has run once, or not at all, when its parent ends
        go.set()
        await asyncio.gather(*tasks)

    asyncio.run(main())
    tree = side.tree()
    assert len(tree) == 400
    assert all(tree[f"late {number}"] == f"parent {number}" for number in range(200))


def test_callbacks_of_the_loop_run_under_the_span_that_scheduled_them(side: Side) -> None:
    seen: dict[int, str | None] = {}
    done = asyncio.Event()

    def callback(number: int) -> None:
        seen[number] = current()
        side.tracer.start_span(f"callback {number}").end()
        if len(seen) == 200:
            done.set()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in range(100):
            with side.tracer.start_as_current_span(f"scheduler {number}"):
                loop.call_soon(callback, number)
                loop.call_later(0, callback, number + 100)
            with side.tracer.start_as_current_span(f"unrelated {number}"):
                pass
        await done.wait()

    asyncio.run(main())
    assert seen == {number: f"scheduler {number % 100}" for number in range(200)}
    tree = side.tree()
    assert all(tree[f"callback {number}"] == f"scheduler {number % 100}" for number in range(200))


def test_a_cancelled_task_ends_its_spans_and_restores_what_was_current(side: Side) -> None:
    async def work(number: int) -> None:
        with side.tracer.start_as_current_span(f"outer {number}"):
            try:
                with side.tracer.start_as_current_span(f"inner {number}"):
                    await asyncio.sleep(3600)
            finally:
                assert current() == f"outer {number}"

    async def main() -> None:
        with side.tracer.start_as_current_span("root"):
            tasks = [asyncio.create_task(work(number)) for number in range(100)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
            assert current() == "root"

    asyncio.run(main())
    expected: dict[str, str | None] = {"root": None}
    for number in range(100):
        expected |= {f"outer {number}": "root", f"inner {number}": f"outer {number}"}
    assert side.tree() == expected


def test_decorated_coroutines_interleave(side: Side) -> None:
    @side.tracer.start_as_current_span("decorated")  # type: ignore[untyped-decorator]
    async def work(number: int) -> tuple[int, int]:
        before = trace.get_current_span().get_span_context().span_id
        side.tracer.start_span(f"child {number}", attributes={"parent": before.to_bytes(8, "big").hex()}).end()
        for _ in range(number % 5):
            await asyncio.sleep(0)
        assert trace.get_current_span().get_span_context().span_id == before
        return number, before

    async def main() -> list[tuple[int, int]]:
        return list(await asyncio.gather(*(work(number) for number in range(200))))

    results = asyncio.run(main())
    assert len({span_id for _, span_id in results}) == 200
    for span in side.spans():
        if span.name.startswith("child"):
            assert f"{span.parent_id:016x}" == span.attributes["parent"]


def test_run_in_a_copied_context_leaves_the_callers_alone(side: Side) -> None:
    with side.tracer.start_as_current_span("outer"):
        copied = contextvars.copy_context()

        def enter() -> object:
            scope = side.tracer.start_as_current_span("entered")
            scope.__enter__()
            return scope

        scope = copied.run(enter)
        assert current() == "outer"
        assert copied.run(current) == "entered"
        copied.run(side.tracer.start_span, "inside").end()
        copied.run(scope.__exit__, None, None, None)  # type: ignore[attr-defined]
        assert copied.run(current) == current() == "outer"
    assert copied.run(current) == "outer"
    copied.run(side.tracer.start_span, "afterwards").end()
    assert side.tree() == {"outer": None, "entered": "outer", "inside": "entered", "afterwards": "outer"}
