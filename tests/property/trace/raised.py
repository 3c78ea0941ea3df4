"""Exceptions of programs, by name; each is raised and caught, so that it has a traceback of its own."""

import asyncio
import builtins
import sys
from collections.abc import Callable
from typing import Any

from tests.property.trace.made import Boom

__all__ = ["RAISED", "raised"]


class Silent(Exception):
    def __str__(self) -> str:
        raise Boom("no text")


class Nameless(Exception):
    """Of no module."""


Nameless.__module__ = None  # type: ignore[assignment]


class Outer:
    class Inner(Exception):
        """With a qualified name."""


class Fatal(BaseException):
    """Not an Exception."""


class Falsy(Exception):
    def __bool__(self) -> bool:
        return False


def _chained() -> BaseException:
    try:
        try:
            raise KeyError("cause")
        except KeyError as cause:
            raise ValueError("effect") from cause
    except ValueError as effect:
        return effect


def _in_context() -> BaseException:
    try:
        try:
            raise KeyError("first")
        except KeyError:
            raise ValueError("second")  # noqa: B904
    except ValueError as second:
        return second


def _circle() -> BaseException:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    return first


def _with_notes() -> BaseException:
    error = ValueError("noted")
    if sys.version_info >= (3, 11):
        error.add_note("a note\nof two lines")
    return error


def _syntax() -> BaseException:
    try:
        compile("a b", "<é>", "exec")
    except SyntaxError as error:
        return error
    raise AssertionError


def _deep() -> BaseException:
    def down(depth: int) -> None:
        if not depth:
            raise ValueError("deep")
        down(depth - 1)

    try:
        down(8)
    except ValueError as error:
        return error
    raise AssertionError


RAISED: dict[str, Callable[[], BaseException]] = {
    "ValueError": lambda: ValueError("wrong value"),
    "no text": lambda: RuntimeError(),
    "two arguments": lambda: OSError(2, "missing"),
    "non-ASCII": lambda: ValueError("größer als 𝟙"),
    "several lines": lambda: ValueError('one\n  File "x", line 1, in y\n    two'),
    "long": lambda: ValueError("x" * 300),
    "KeyError": lambda: KeyError("key"),
    "chained": _chained,
    "in context": _in_context,
    "circle": _circle,
    "notes": _with_notes,
    "syntax": _syntax,
    "deep": _deep,
    "silent": Silent,
    "falsy": lambda: Falsy("falsy"),
    "nameless": lambda: Nameless("n"),
    "inner": lambda: Outer.Inner("i"),
    "Fatal": lambda: Fatal("fatal"),
    "KeyboardInterrupt": KeyboardInterrupt,
    "SystemExit": lambda: SystemExit(3),
    "GeneratorExit": GeneratorExit,
    "StopIteration": lambda: StopIteration(1),
    "StopAsyncIteration": StopAsyncIteration,
    "CancelledError": asyncio.CancelledError,
}

_group: Any = getattr(builtins, "ExceptionGroup", None)
if _group is not None:
    RAISED["group"] = lambda: _group("group", [ValueError("one"), _chained()])


def raised(name: str) -> Any:
    """A fresh exception with a traceback."""
    error = RAISED[name]()
    try:
        raise error
    except BaseException as caught:
        return caught
