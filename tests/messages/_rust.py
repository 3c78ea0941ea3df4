"""Messages in Rust's sources: every sentence between quotes outside of tests and of what only a defect shows."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.messages._source import Found
from tests.messages._template import is_sentence, normal

__all__ = ["scan_rust"]

_TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/
      |b?r(?P<hashes>\#+)".*?"(?P=hashes)|b?r"[^"]*"
      |c?b?"(?:\\.|[^"\\])*"
      |'(?:\\.[^']*|[^\\'])'
      |[A-Za-z_]\w*!?|[(){}\[\]]|\#!?\[|[^\w/'"(){}\[\]\#;,]+|.""",
    re.DOTALL | re.VERBOSE,
)
_STRING = re.compile(r'"|r#*"')
# What a person who did nothing wrong never sees.
_DEFECTS = {
    "expect",
    "assert!",
    "assert_eq!",
    "debug_assert!",
    "debug_assert_eq!",
    "unreachable!",
    "panic!",
    "option_env!",
    "env!",
}
_PAIRS = {"(": ")", "[": "]", "{": "}", "#[": "]", "#![": "]"}


def scan_rust(path: Path, shown: str) -> Iterator[Found]:
    """Sentences, and parts of them."""
    tokens = _tokens(path.read_text(encoding="utf-8"))
    skipped = _skipped(tokens)
    for number, (token, line) in enumerate(tokens):
        if number in skipped or not _STRING.match(token):
            continue
        said = normal(_unquoted(token), percent=True)  # some are logged by Python
        if is_sentence(said):
            yield Found(said, shown, line, "rust")


def _tokens(source: str) -> list[tuple[str, int]]:
    tokens, line = [], 1
    for match in _TOKEN.finditer(source):
        token = match[0]
        if not token.isspace() and not token.startswith(("//", "/*")):
            tokens.append((token, line))
        line += token.count("\n")
    return tokens


def _skipped(tokens: list[tuple[str, int]]) -> set[int]:
    """Numbers of tokens in attributes (but for ``error``), in tests, and in what panics."""
    skipped: set[int] = set()
    for number, (token, _) in enumerate(tokens):
        if number in skipped:
            continue
        if token in {"#", "#["} or token == "#![":
            end = _end(tokens, number)
            inside = [text for text, _ in tokens[number + 1 : end]]
            if inside[:1] != ["error"]:
                skipped.update(range(number, end + 1))
            if inside[:2] == ["cfg", "("] and "test" in inside:
                skipped.update(range(end, _item_end(tokens, end + 1) + 1))
        elif token in _DEFECTS and number + 1 < len(tokens) and tokens[number + 1][0] in "([{":
            skipped.update(range(number, _end(tokens, number + 1) + 1))
    return skipped


def _end(tokens: list[tuple[str, int]], start: int) -> int:
    depth = 0
    for number in range(start, len(tokens)):
        token = tokens[number][0]
        if token in _PAIRS:
            depth += 1
        elif token in {")", "]", "}"}:
            depth -= 1
            if depth == 0:
                return number
    return len(tokens) - 1


def _item_end(tokens: list[tuple[str, int]], start: int) -> int:
    """The end of what an attribute stands in front of: its body, or a semicolon."""
    number = start
    while number < len(tokens):
        token = tokens[number][0]
        if token in {";", ","}:
            return number
        if token in _PAIRS:
            end = _end(tokens, number)
            if token == "{":
                return end
            number = end
        number += 1
    return len(tokens) - 1


def _unquoted(token: str) -> str:
    if token.startswith("r"):
        return token[1:].strip("#")[1:-1]
    text = re.sub(r"\\\n\s*", "", token[1:-1])
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t"}.get(found[1], found[1]), text)
