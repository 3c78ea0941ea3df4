"""Messages in Cython's sources: no parser of theirs is asked, a scan that counts brackets and strings will do."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.messages._source import Found
from tests.messages._template import is_sentence, normal

__all__ = ["scan_cython"]

_SAYS = re.compile(r"\braise\s+\w+\(|\b\w*logger\.(?:warning|exception|error|info)\(|\b_log\.warn\(|\bwarnings\.warn\(")
_STRING = re.compile(
    r"""(?P<kind>[frub]*)(?P<quote>\"\"\"|'''|"|')(?P<body>(?:\\.|(?!(?P=quote)).)*)(?P=quote)""", re.DOTALL
)


def scan_cython(path: Path, shown: str) -> Iterator[Found]:
    """Texts that are raised or logged."""
    source = path.read_text(encoding="utf-8")
    for call in _SAYS.finditer(source):
        if "#" in source[source.rfind("\n", 0, call.start()) + 1 : call.start()]:  # a comment
            continue
        how = "raise" if call[0].startswith("raise") else "log"
        for text in _literals(source, call.end()):
            said = normal(text, percent=how == "log")
            if is_sentence(said):
                yield Found(said, shown, source.count("\n", 0, call.start()) + 1, how)


def _literals(source: str, at: int) -> Iterator[str]:
    """The strings up to the bracket that closes; those with nothing but space between are one."""
    depth, whole = 1, None
    while depth and at < len(source):
        if string := _STRING.match(source, at):
            body = string["body"].encode("latin-1", "backslashreplace").decode("unicode_escape")
            if "f" not in string["kind"]:
                body = body.replace("{", "{{").replace("}", "}}")
            whole = (whole or "") + body
            at = string.end()
            continue
        char = source[at]
        if char == "#":
            at = source.index("\n", at)
            continue
        depth += (char in "([{") - (char in ")]}")
        if not char.isspace() and whole is not None:
            yield whole
            whole = None
        at += 1
