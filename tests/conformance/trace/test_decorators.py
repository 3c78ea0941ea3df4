"""start_as_current_span as a decorator: what is covered, of which kind of function, and that each call has a span."""
# mypy: disable-error-code="untyped-decorator"

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry import trace as api

from tests.conformance.trace.sides import Side, same
from tests.conformance.trace.test_context import current


def test_each_call_of_a_function_has_a_span_of_its_own() -> None:
    def scenario(side: Side) -> Any:
        @side.tracer().start_as_current_span("call", kind=api.SpanKind.CLIENT, attributes={"a": 1})
        def function(value: int, *, by: int = 1) -> Any:
            return value * by, current()

        return function(2), function(3, by=2), current()

    seen = same(scenario)
    assert seen.result == ((2, "call"), (6, "call"), "none")
    assert len({span["context"]["span"] for span in seen.spans}) == 2
    assert seen.spans[1]["kind"] is api.SpanKind.CLIENT


def test_a_recursive_function_nests() -> None:
    def scenario(side: Side) -> Any:
        @side.tracer().start_as_current_span("factorial")
        def factorial(number: int) -> int:
            return 1 if number < 2 else number * factorial(number - 1)

        return factorial(4)

    seen = same(scenario)
    assert seen.result == 24
    assert [span["parent"] is None for span in seen.spans] == [False, False, False, True]


def test_the_function_keeps_its_name_and_signature() -> None:
    def scenario(side: Side) -> Any:
        @side.tracer().start_as_current_span("call")
        def function(value: int = 5) -> int:
            """Documented."""
            return value

        @side.tracer().start_as_current_span("call")
        async def coroutine() -> None: ...

        return (
            function.__name__,
            function.__doc__,
            str(inspect.signature(function)),
            function.__wrapped__.__name__,
            inspect.iscoroutinefunction(function),
            inspect.iscoroutinefunction(coroutine),
        )

    assert same(scenario).result == ("function", "Documented.", "(value: int = 5) -> int", "function", False, True)


def test_methods_can_be_decorated() -> None:
    def scenario(side: Side) -> Any:
        tracer = side.tracer()

        class Shop:
            name = "shop"

            @tracer.start_as_current_span("method")
            def method(self) -> Any:
                return self.name, current()

            @staticmethod
            @tracer.start_as_current_span("static")
            def static() -> str:
                return current()

            @classmethod
            @tracer.start_as_current_span("class")
            def of_class(cls) -> Any:
                return cls.name, current()

        return Shop().method(), Shop.static(), Shop.of_class()

    assert same(scenario).result == (("shop", "method"), "static", ("shop", "class"))


def test_an_exception_is_recorded_and_passed_on() -> None:
    def scenario(side: Side) -> Any:
        @side.tracer().start_as_current_span("call")
        def function() -> None:
            raise ValueError("bad")

        try:
            function()
        except ValueError as error:
            return str(error), current()

    seen = same(scenario)
    assert seen.result == ("bad", "none")
    assert seen.spans[0]["status"] == (api.StatusCode.ERROR, "ValueError: bad")


def test_a_coroutine_function_is_covered_until_it_is_done() -> None:
    def scenario(side: Side) -> Any:
        @side.tracer().start_as_current_span("coroutine")
        async def coroutine(value: int) -> Any:
            await asyncio.sleep(0)
            return value, current(), len(side.spans)

        async def main() -> Any:
            first = await coroutine(1)
            return first, await asyncio.gather(coroutine(2), coroutine(3)), current()

        return asyncio.run(main())

    seen = same(scenario)
    assert seen.result[0] == (1, "coroutine", 0)
    assert len(seen.spans) == 3


def test_a_generator_function_is_covered_while_it_makes_its_generator() -> None:
    def scenario(side: Side) -> Any:
        @side.tracer().start_as_current_span("call")
        def items() -> Iterator[str]:
            yield current()
            yield current()

        generator = items()
        return len(side.spans), list(generator), current()

    assert same(scenario).result == (1, ["none", "none"], "none")


def test_an_asynchronous_generator_function_likewise() -> None:
    def scenario(side: Side) -> Any:
        @side.tracer().start_as_current_span("call")
        async def items() -> AsyncIterator[str]:
            yield current()

        async def main() -> Any:
            return [item async for item in items()]

        return asyncio.run(main()), len(side.spans)

    assert same(scenario).result == (["none"], 1)


def test_the_apis_use_span_decorates_with_our_spans() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()

        @api.use_span(span, end_on_exit=False)
        def function() -> str:
            return current()

        return function(), function(), span.is_recording()

    assert same(scenario).result == ("name", "name", True)


@pytest.mark.parametrize("use", ["decorate after a block", "block after decorating"])
def test_one_block_as_both_behaves_as_with_the_sdk(use: str) -> None:
    def scenario(side: Side) -> Any:
        block = side.tracer().start_as_current_span("both")

        def function() -> str:
            return current()

        try:
            if use == "decorate after a block":
                with block:
                    pass
                return block(function)()
            decorated = block(function)
            first = decorated()
            with block:
                inside = current()
            return first, inside
        except Exception as error:
            return type(error).__name__

    assert same(scenario).result in {"AttributeError", ("both", "both")}
