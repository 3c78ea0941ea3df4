"""``docs/errors.md`` as data: a heading for each entry, its messages in a block of text, then cause and cure."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.messages._template import normal

__all__ = ["Entry", "read_catalogue"]

_ENTRY = re.compile(r"^### (?P<slug>.+)\n(?P<body>(?:(?!^##).*\n)*)", re.MULTILINE)
_MESSAGES = re.compile(r"\A```text\n(.*?)^```\n", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """A heading with what stands below it."""

    slug: str
    messages: tuple[str, ...]  # as written
    rest: str

    @property
    def normal(self) -> tuple[str, ...]:
        """The messages in normal form; parts without the mark in front."""
        return tuple(normal(message.removeprefix("… ")) for message in self.messages)

    @property
    def is_of_the_sdk(self) -> bool:
        """Whether all of them are said to be the SDK's or the API's."""
        return re.search(r"(?:Cause:|,) the (?:SDK|API)'s text", self.rest) is not None


def read_catalogue(path: Path) -> list[Entry]:
    """The entries in their order."""
    found = []
    for match in _ENTRY.finditer(path.read_text(encoding="utf-8")):
        messages = _MESSAGES.match(match["body"])
        lines = messages[1].splitlines() if messages else []
        found.append(Entry(match["slug"], tuple(lines), match["body"][messages.end() if messages else 0 :]))
    return found
