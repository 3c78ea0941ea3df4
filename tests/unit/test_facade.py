"""The parts of the façade, which are included in one namespace: each says what it gives and what it uses of the others."""

import itertools
import re
import textwrap
from pathlib import Path

import pytest

import spanwire

FACADE = Path(spanwire.__file__).parent / "_facade"
PARTS = sorted(FACADE.glob("*.pxi"))
WIDTH = 120

_COMMENT_OR_TEXT = re.compile(r'"""[\s\S]*?"""|"(?:\\.|[^"\\\n])*"|#[^\n]*')
_DEFINITION = re.compile(
    r"^(?:class (\w+)|cdef class (\w+)|def (\w+)\(|cdef (?:inline )?[\w .*]*?(\w+)\([^=]*$|cdef (?:const )?[\w.]+ ([\w, ]+?)(?: =|$)|(\w+) = )"
)
_NUMBER = re.compile(r"^    ([A-Z_]+) = \d+")


def code(path: Path) -> str:
    """The text without comments and docstrings."""
    return _COMMENT_OR_TEXT.sub('""', path.read_text(encoding="utf-8"))


def given(path: Path) -> list[str]:
    """What is defined at the top of a part, in its order."""
    found: dict[str, None] = {}
    is_enum = False
    for line in code(path).splitlines():
        is_enum = line.startswith("cdef enum") or (is_enum and line.startswith(" "))
        if is_enum:
            if number := _NUMBER.match(line):
                found[number[1]] = None
        elif match := _DEFINITION.match(line):
            found.update(dict.fromkeys(re.split(r",\s*", next(name for name in match.groups() if name))))
    return list(found)


def used(path: Path, other: Path) -> list[str]:
    """Of what ``other`` gives: functions that are called here, and other names that occur."""
    text = code(path)
    return [
        name
        for name in given(other)
        if re.search(rf"(?<![\w.]){name}{r'(?=[(])' if name.islower() else ''}(?!\w)", text)
    ]


def header(path: Path) -> list[str]:
    """The lines that a part has behind the ones that say what it is."""
    uses = [f"{other.stem} ({', '.join(names)})" for other in PARTS if other != path and (names := used(path, other))]
    return [*wrapped("gives", given(path)), *wrapped("uses", uses or ["no other part"])]


def wrapped(title: str, items: list[str]) -> list[str]:
    text = f"{title}: {', '.join(items)}"
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_long_words=False)


@pytest.mark.parametrize("path", PARTS, ids=lambda path: path.name)
def test_a_part_says_what_it_gives_and_uses(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    comment = list(itertools.takewhile(lambda line: line.startswith("#"), lines))
    assert not comment[0].startswith("# gives:"), "what it is comes first"
    first = next((number for number, line in enumerate(comment) if line.startswith("# gives:")), len(comment))
    assert comment[first:] == header(path), "it has to be:\n" + "\n".join(header(path))


def test_what_a_part_gives_is_found() -> None:
    assert given(FACADE / "shelves.pxi") == [
        "span_shelf",
        "scope_shelf",
        "new_span",
        "dealloc_span",
        "new_scope",
        "dealloc_scope",
        "prepare_shelves",
    ]
    assert given(FACADE / "span.pxi") == [
        "RECORD_EXCEPTION",
        "SET_STATUS",
        "INVALID_IDS",
        "EMPTY_MESSAGE",
        "REUSABLE",
        "Span",
    ]
    assert {"ReadableSpan", "span_parent", "SpanAttributes", "_FIELDS"} <= set(given(FACADE / "readable.pxi"))


def test_what_a_part_uses_is_found() -> None:
    assert used(FACADE / "shelves.pxi", FACADE / "span.pxi") == ["REUSABLE", "Span"]
    assert used(FACADE / "span.pxi", FACADE / "private.pxi") == [
        "Origin",
        "SharedContext",
        "OwnState",
        "new_shared",
        "Written",
        "dropped",
    ]


def test_every_part_is_included_once_but_the_core_s_table() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (*PARTS, *FACADE.glob("*.pyx"))]
    included = re.findall(r'^ *include "(\w+\.pxi)"', "\n".join(texts), re.MULTILINE)
    assert sorted(included) == sorted([*(path.name for path in PARTS), "abi.pxi"])


def test_no_two_parts_give_the_same_name() -> None:
    names = [name for path in PARTS for name in given(path)]
    assert len(names) == len(set(names))
