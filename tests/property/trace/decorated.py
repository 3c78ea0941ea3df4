"""Functions of every kind under a scope that is used as a decorator."""

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from typing import Any

from tests.property.trace.observe import Record

__all__ = ["KINDS", "call_decorated"]

KINDS = ("function", "recursive", "method", "coroutine", "generator", "async generator", "class")

Body = Callable[[str], None]
Decorator = Callable[[Any], Any]


class _Pause:
    """Suspends the coroutine that awaits it, once."""

    def __await__(self) -> Generator[str, None, None]:
        yield "paused"


def call_decorated(kind: str, scope: Any, body: Body, calls: int, record: Record, current: Callable[[], str]) -> str:
    """Decorates a function of this kind, calls it, and says what each call gave and what was current when it paused."""
    function = _decorated(kind, scope, body)
    outcomes = [getattr(function, "__name__", "?")]
    for number in range(calls):
        try:
            outcomes.append(_called(kind, function, number, current))
        except BaseException as error:
            outcomes.append(f"raised {record.error(error)}")
    return ", ".join(outcomes)


def _decorated(kind: str, scope: Decorator, body: Body) -> Any:
    if kind == "coroutine":

        @scope
        async def coroutine(number: int) -> str:
            body(f"coroutine {number}")
            await _Pause()
            body(f"coroutine {number} again")
            return "result"

        return coroutine
    if kind == "generator":

        @scope
        def generator(number: int) -> Iterator[int]:
            body(f"generator {number}")
            yield number
            body(f"generator {number} again")

        return generator
    if kind == "async generator":

        @scope
        async def async_generator(number: int) -> AsyncIterator[int]:
            body(f"async generator {number}")
            yield number

        return async_generator
    if kind == "method":

        class Shop:
            @scope
            def method(self, number: int) -> str:
                """Says what it is."""
                body(f"method {number}")
                return "method's result"

        return Shop().method
    if kind == "class":

        @scope
        class Thing:
            def __init__(self, number: int) -> None:
                body(f"class {number}")

        return Thing

    @scope
    def function(number: int, *, again: bool = kind == "recursive") -> str:
        body(f"{kind} {number}")
        return f"outer of {function(number, again=False)}" if again else "result"

    return function


def _called(kind: str, function: Any, number: int, current: Callable[[], str]) -> str:
    if kind == "generator":
        return f"{list(function(number))} then {current()}"
    if kind == "class":
        return type(function(number)).__name__
    if kind == "async generator":
        steps = function(number)
        try:
            steps.__anext__().send(None)
        except StopIteration as done:
            outcome = f"{done.value} then {current()}"
            return f"{outcome}, {_driven(steps.aclose(), current)}"
        return "paused"
    if kind == "coroutine":
        return _driven(function(number), current)
    return str(function(number))


def _driven(coroutine: Any, current: Callable[[], str]) -> str:
    pauses = []
    try:
        while True:
            pauses.append(f"{coroutine.send(None)} in {current()}")
    except StopIteration as done:
        return f"{done.value} after {pauses}"
