"""The current span: the API, unmodified, sees it wherever the SDK's would be, and it is gone on every way out."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry import baggage
from opentelemetry import context as context_api
from opentelemetry import trace as api

import spanwire.trace
from tests.conformance.trace.sides import Side, same


def current() -> str:
    """Name of what the API finds."""
    span: Any = api.get_current_span()
    return "none" if span is api.INVALID_SPAN else str(span.name)


def test_the_apis_get_current_span_finds_the_very_span() -> None:
    def scenario(side: Side) -> Any:
        with side.tracer().start_as_current_span("name") as span:
            explicit = api.get_current_span(context_api.get_current()) is span
            return api.get_current_span() is span, explicit, spanwire.trace.get_current_span() is span, current()

    assert same(scenario).result == (True, True, True, "name")
    assert current() == "none"


def test_ours_finds_what_the_apis_does() -> None:
    span = api.NonRecordingSpan(api.SpanContext(1, 2, is_remote=True))
    for context in (
        context_api.Context(),
        api.set_span_in_context(span),
        context_api.set_value("key", 1),
        context_api.Context({api.propagation._SPAN_KEY: "no span"}),
    ):
        assert spanwire.trace.get_current_span(context) is api.get_current_span(context)
    assert spanwire.trace.get_current_span() is api.INVALID_SPAN


def test_spans_nest_and_come_back() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        seen: list[Any] = []
        with tracer.start_as_current_span("a"):
            seen.append(current())
            for _ in range(2):
                with tracer.start_as_current_span("b"):
                    seen.append(current())
                    with tracer.start_as_current_span("c"):
                        seen.append(current())
                    seen.append(current())
                seen.append(current())
        return [*seen, current()]

    assert same(scenario).result == ["a", *["b", "c", "b", "a"] * 2, "none"]


def test_start_span_alone_makes_nothing_current() -> None:
    def scenario(side: Side) -> Any:
        with side.tracer().start_span("name"):
            return current()

    assert same(scenario).result == "none"


class Stop(BaseException):
    pass


@pytest.mark.parametrize("error", [None, ValueError, Stop, KeyboardInterrupt, GeneratorExit, StopIteration], ids=str)
@pytest.mark.parametrize("way", ["start_as_current_span", "use_span"])
def test_the_context_is_restored_however_the_block_is_left(error: Any, way: str) -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        seen: list[str] = []

        def body() -> None:
            if way == "use_span":
                block: Any = api.use_span(tracer.start_span("name"), end_on_exit=True)
            else:
                block = tracer.start_as_current_span("name")
            with block:
                seen.append(current())
                if error is not None:
                    raise error("left")

        with tracer.start_as_current_span("outer"):
            before = context_api.get_current()
            try:
                body()
            except BaseException as caught:
                seen.append(type(caught).__name__)
            seen.append(current())
            same_context = context_api.get_current() is before
        return seen, same_context, current()

    left = [] if error is None else [error.__name__]
    if error is StopIteration and way == "start_as_current_span":
        left = [same(scenario).result[0][1]]
    assert same(scenario).result == (["name", *left, "outer"], True, "none")


def test_return_break_and_continue_leave_too() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()

        def returns() -> str:
            with tracer.start_as_current_span("name"):
                return current()

        seen = [returns(), current()]
        for turn in range(2):
            with tracer.start_as_current_span("loop"):
                if turn:
                    break
                continue
        return [*seen, current()]

    assert same(scenario).result == ["name", "none", "none"]


def test_a_generator_that_is_closed_or_thrown_into_leaves_its_span() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        seen: list[Any] = []

        def items() -> Any:
            with tracer.start_as_current_span("generator"):
                yield current()
                yield current()

        closed = items()
        seen.append(next(closed))
        closed.close()
        seen.append(current())
        thrown = items()
        seen.append(next(thrown))
        with contextlib.suppress(LookupError):
            thrown.throw(LookupError("in"))
        seen.append(current())
        seen.append(list(items()))
        return [*seen, current()]

    seen = same(scenario)
    assert seen.result == ["generator", "none", "generator", "none", ["generator"] * 2, "none"]
    statuses = [span["status"][0].name for span in seen.spans]
    assert statuses == ["UNSET", "ERROR", "UNSET"]  # a closed generator is no error


def test_generators_that_are_left_in_another_order_behave_as_with_the_sdk() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        seen: list[Any] = []

        def items(name: str) -> Iterator[None]:
            with tracer.start_as_current_span(name):
                yield

        first, second = items("first"), items("second")
        next(first)
        next(second)
        seen.append(current())
        next(first, None)
        seen.append(current())
        next(second, None)
        seen.append(current())
        return seen

    def apart(side: Side) -> Any:
        return contextvars.copy_context().run(scenario, side)

    assert same(apart).result[0] == "second"


def test_a_thread_starts_without_a_span_and_takes_one_that_it_is_given() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        seen: list[Any] = []

        def work(context: Any) -> None:
            seen.append(current())
            token = context_api.attach(context)
            seen.append(current())
            with tracer.start_as_current_span("child") as child:
                seen.append(
                    (current(), child.parent.span_id == api.get_current_span(context).get_span_context().span_id)
                )
            context_api.detach(token)
            seen.append(current())

        with tracer.start_as_current_span("parent"):
            thread = threading.Thread(target=work, args=(context_api.get_current(),))
            thread.start()
            thread.join()
            seen.append(current())
        return seen

    assert same(scenario).result == ["none", "parent", ("child", True), "none", "parent"]


def test_threads_have_current_spans_of_their_own() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        barrier = threading.Barrier(4)

        def work(number: int) -> bool:
            with tracer.start_as_current_span(f"span {number}") as span:
                barrier.wait(10)
                right = api.get_current_span() is span
                barrier.wait(10)
            return right and current() == "none"

        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(work, range(4)))
        side.spans.sort(key=lambda span: span.name)
        return results

    assert same(scenario).result == [True] * 4


def test_copied_contexts_keep_the_span_after_it_has_ended() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        with tracer.start_as_current_span("first"):
            copied = contextvars.copy_context()
            captured = context_api.get_current()
        seen: list[Any] = [current()]
        for _ in range(40):  # whatever is pooled is used again meanwhile
            with tracer.start_as_current_span("other"):
                pass
        seen += [copied.run(current), str(api.get_current_span(captured).name)]  # type: ignore[attr-defined]
        with tracer.start_as_current_span("child", context=captured) as child:
            seen.append(child.parent == api.get_current_span(captured).get_span_context())
        return seen

    assert same(scenario).result == ["none", "first", "first", True]


def test_a_context_that_was_captured_is_never_changed() -> None:
    def scenario(side: Side) -> Any:
        tracer, captured = side.tracer(), []
        for number in range(40):
            with tracer.start_as_current_span(f"span {number}"):
                captured.append(context_api.get_current())
        return [api.get_current_span(context).name for context in captured]  # type: ignore[attr-defined]

    assert same(scenario).result == [f"span {number}" for number in range(40)]


def test_a_block_in_a_copied_context_leaves_the_callers_alone() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        seen: list[Any] = []
        with tracer.start_as_current_span("outer"):
            copied = contextvars.copy_context()
            inner = copied.run(lambda: tracer.start_as_current_span("inner"))
            copied.run(inner.__enter__)
            seen += [current(), copied.run(current)]
            copied.run(inner.__exit__, None, None, None)
            seen += [current(), copied.run(current)]
        return seen

    assert same(scenario).result == ["outer", "inner", "outer", "outer"]


def test_leaving_in_another_context_is_logged_and_nothing_more() -> None:
    def scenario(side: Side) -> Any:
        block = side.tracer().start_as_current_span("name")
        contextvars.copy_context().run(block.__enter__)
        block.__exit__(None, None, None)
        return current()

    seen = same(scenario)
    assert seen.logged == [("opentelemetry.context", "ERROR", "Failed to detach context")]
    assert len(seen.spans) == 1


def test_baggage_and_other_entries_stay_beside_the_span() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        token = context_api.attach(baggage.set_baggage("tenant", "shop"))
        with tracer.start_as_current_span("name"):
            inner = context_api.attach(baggage.set_baggage("more", "1"))
            with tracer.start_as_current_span("child"):
                seen = (dict(baggage.get_all()), current())
            context_api.detach(inner)
            after = dict(baggage.get_all())
        context_api.detach(token)
        return seen, after, dict(baggage.get_all())

    assert same(scenario).result == (({"tenant": "shop", "more": "1"}, "child"), {"tenant": "shop"}, {})


def test_an_explicit_context_gives_the_parent_and_is_not_attached() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        parent = tracer.start_span("parent")
        context = api.set_span_in_context(parent, context_api.set_value("key", 1, context_api.Context()))
        with tracer.start_as_current_span("child", context=context) as child:
            key = context_api.get_value("key")
        return child.parent == parent.get_span_context(), key

    assert same(scenario).result == (True, None)


def test_an_empty_context_makes_a_root() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        with tracer.start_as_current_span("outer"):
            return tracer.start_span("root", context=context_api.Context()).parent

    assert same(scenario).result is None


def test_spans_of_the_sdk_and_ours_are_each_others_parents() -> None:
    from opentelemetry.sdk.trace import TracerProvider

    def scenario(side: Side) -> Any:
        ours, theirs = side.tracer(), TracerProvider(shutdown_on_exit=False).get_tracer("theirs")
        with theirs.start_as_current_span("theirs") as a, ours.start_as_current_span("ours") as b:
            c: Any = theirs.start_span("theirs again")
        return b.parent == a.get_span_context(), c.parent == b.get_span_context(), current()

    assert same(scenario).result == (True, True, "none")


def test_use_span_of_ours_takes_any_span() -> None:
    span = api.NonRecordingSpan(api.SpanContext(1, 2, is_remote=False))
    with spanwire.trace.use_span(span) as used:
        assert used is span
        assert api.get_current_span() is span
    assert api.get_current_span() is api.INVALID_SPAN


def test_a_block_can_be_entered_once() -> None:
    def scenario(side: Side) -> Any:
        block = side.tracer().start_as_current_span("name")
        with block:
            pass
        try:
            with block:
                pass
        except Exception as error:
            return type(error).__name__
        return None

    assert same(scenario).result == "AttributeError"


def test_a_block_that_is_entered_again_inside_itself_goes_on() -> None:
    def scenario(side: Side) -> Any:
        block = side.tracer().start_as_current_span("name")
        with block as span:
            with pytest.raises(AttributeError):
                block.__enter__()
            seen = [api.get_current_span() is span, span.is_recording()]
        return [*seen, span.is_recording(), api.get_current_span() is api.INVALID_SPAN]

    assert same(scenario).result == [True, True, False, True]


@pytest.mark.parametrize("use", ["start_as_current_span", "use_span"])
@pytest.mark.parametrize("error", [None, ValueError("left")], ids=["quietly", "by an error"])
def test_a_block_that_is_left_again_does_nothing(use: str, error: Exception | None) -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        use_span = getattr(side.trace, "use_span", api.use_span)
        block = tracer.start_as_current_span("name")
        if use == "use_span":
            block = use_span(tracer.start_span("name"), end_on_exit=True)
        with block:
            pass
        with tracer.start_as_current_span("other") as other:
            left = block.__exit__(type(error) if error else None, error, None)
            return left, api.get_current_span() is other

    assert same(scenario).result == (False, True)


def test_a_block_that_is_left_before_it_is_entered_raises() -> None:
    """The SDK's has begun its span by then; ours has not."""

    def scenario(side: Side) -> Any:
        block = side.tracer(collect=False).start_as_current_span("name")
        with pytest.raises(RuntimeError):
            block.__exit__(None, None, None)
        if side.name == "sdk":
            block.gen.close()  # Python 3.10 leaves it suspended, with its span current, until the collector comes
        other = side.tracer(collect=False).start_as_current_span("name")
        return other.__exit__(ValueError, ValueError("left"), None)

    assert same(scenario).result is False


def test_a_block_that_is_never_entered_starts_no_span() -> None:
    def scenario(side: Side) -> None:
        side.tracer().start_as_current_span("name")

    assert same(scenario).spans == []


def test_an_exit_stack_and_calls_by_hand_do_as_with() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        seen: list[Any] = []
        with contextlib.ExitStack() as stack:
            span = stack.enter_context(tracer.start_as_current_span("stack"))
            seen.append(api.get_current_span() is span)
        block = tracer.start_as_current_span("hand")
        block.__enter__()
        seen += [current(), block.__exit__(None, None, None), current()]
        return seen

    assert same(scenario).result == [True, "hand", False, "none"]


# --- asyncio ---


def test_tasks_inherit_the_span_and_do_not_disturb_each_other() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()

        async def work(number: int) -> Any:
            seen: list[Any] = [current()]
            with tracer.start_as_current_span(f"task {number}") as span:
                for _ in range(3):
                    await asyncio.sleep(0)
                    seen.append(api.get_current_span() is span)
            return [*seen, current()]

        async def main() -> Any:
            with tracer.start_as_current_span("main"):
                results = await asyncio.gather(*(work(number) for number in range(5)))
                return results, current()

        results = asyncio.run(main())
        side.spans.sort(key=lambda span: span.name)
        return results

    assert same(scenario).result == ([["main", True, True, True, "main"]] * 5, "main")


def test_a_cancelled_task_leaves_its_span_without_an_error() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        seen: list[Any] = []

        async def work() -> None:
            try:
                with tracer.start_as_current_span("task"):
                    await asyncio.Event().wait()
            finally:
                seen.append(current())

        async def main() -> None:
            task = asyncio.create_task(work())
            await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            seen.append(current())

        asyncio.run(main())
        return seen

    seen = same(scenario)
    assert seen.result == ["none", "none"]
    assert seen.spans[0]["status"][0] is api.StatusCode.UNSET


def test_a_task_keeps_its_span_after_the_block_was_left() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()

        async def later() -> str:
            await asyncio.sleep(0)
            return current()

        async def main() -> Any:
            with tracer.start_as_current_span("request"):
                task = asyncio.create_task(later())
            with tracer.start_as_current_span("other"):
                return await task, current()

        return asyncio.run(main())

    assert same(scenario).result == ("request", "other")


def test_an_asynchronous_generator_behaves_as_with_the_sdk() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()
        seen: list[Any] = []

        async def items() -> AsyncIterator[str]:
            with tracer.start_as_current_span("generator"):
                yield current()
                await asyncio.sleep(0)
                yield current()

        async def main() -> None:
            async for item in items():
                seen.append((item, current()))
            seen.append(current())
            closed = items()
            await anext(closed)
            await closed.aclose()  # type: ignore[attr-defined]
            seen.append(current())

        asyncio.run(main())
        return seen

    assert same(scenario).result == [("generator", "generator")] * 2 + ["none", "none"]
