"""Runs a program on two sides and tells where they part."""

import difflib

from tests.property.trace.programs import Program
from tests.property.trace.runner import run
from tests.property.trace.sides import SDK, Side

__all__ = ["assert_same", "differs"]


def differs(program: Program, side: Side) -> bool:
    """Whether ``side`` does anything else than the SDK."""
    return run(program, SDK) != run(program, side)


def assert_same(program: Program, side: Side) -> None:
    """Fail with the lines that differ and the program to paste."""
    expected, found = run(program, SDK), run(program, side)
    if expected == found:
        return
    lines = difflib.unified_diff(expected, found, SDK.name, side.name, lineterm="", n=2)
    raise AssertionError("\n".join(["the sides differ", *lines, repr(program)]))
