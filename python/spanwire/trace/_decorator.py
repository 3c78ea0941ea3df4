"""Scopes as decorators, covering what the SDK's cover."""

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from spanwire._facade.tracing import Scope

__all__ = ["decorate"]

F = TypeVar("F", bound=Callable[..., Any])


def decorate(scope: "Scope", function: F) -> F:
    """Wrap ``function`` so that each call of it runs in a fresh scope of the same arguments.

    A coroutine function is covered until its coroutine is done. What any other function returns is not: of a generator
    function, and of an asynchronous one, the making of the generator is covered and not its run.
    """
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def around_coroutine(*args: Any, **kwargs: Any) -> Any:
            with scope._recreate_cm():
                return await function(*args, **kwargs)

        return cast("F", around_coroutine)

    @functools.wraps(function)
    def around(*args: Any, **kwargs: Any) -> Any:
        with scope._recreate_cm():
            return function(*args, **kwargs)

    return cast("F", around)
