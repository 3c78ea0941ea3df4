"""A message as it stands in the sources, and one as it is written in the catalogue, brought to one form."""

import re
from collections.abc import Iterator

__all__ = ["is_sentence", "normal"]

# ``%s`` of logging, with flags and widths.
_PERCENT = re.compile(r"%(?:\(\w+\))?[-#0 +]*\d*(?:\.\d+)?[sdrfgxic]")
_HOLE = "\x00"


def normal(template: str, *, percent: bool = False) -> str:
    """``template`` with ``{}`` for whatever is filled in; with ``percent``, ``%s`` and the like are filled in too."""
    text = "".join(_pieces(template))
    if percent:
        text = _PERCENT.sub(_HOLE, text).replace("%%", "%")
    text = re.sub(f"{_HOLE}+", _HOLE, text)  # two values side by side look like one
    return " ".join(text.split()).replace(_HOLE, "{}")


def _pieces(template: str) -> Iterator[str]:
    """Holes for ``{name}``, ``{0:?}``, ``{a!r:>{width}}``; plain braces for doubled ones."""
    depth, at = 0, 0
    while at < len(template):
        char = template[at]
        if depth == 0 and template[at : at + 2] in ("{{", "}}"):
            yield char
            at += 1
        elif char == "{":
            depth += 1
        elif char == "}" and depth:
            depth -= 1
            if depth == 0:
                yield _HOLE
        elif depth == 0:
            yield char
        at += 1


def is_sentence(template: str) -> bool:
    """Whether a normal template says something of its own: a word beside what is filled in or beside another word."""
    return " " in template and re.search(r"[a-z]{2}", template) is not None
