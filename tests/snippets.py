"""Blocks of code in pages: what becomes of each in tests.

The info string of a fence says so, after the language, where it is not what follows from the language::

    ```sh test="no: needs a Docker engine"

python is run by itself, and the shell's blocks of a page one after the other in one folder; YAML and the like are parsed. A
block with ``title="app.py"`` lies in that folder as a file. ``test=`` says what else:

=============== =======================================================================================================
``no: REASON``  not run
``file``        python that is run by the page's shell blocks, as the file of its title
``background``  a command that runs while the page's later blocks do, and is ended by Ctrl-C
``server``      a command that serves on port 8000 until SIGTERM: asked once, and its span must
                arrive; only in ``make test-full``
``output``      of a text: what the one before has printed (or the command in the background has since the last such
                text), where ids, ports, times, numbers with a unit and blanks count for nothing and a line with ``…``
                alone is any number of lines
``status N``    a shell's block that ends so
``full``        takes long: only in ``make test-full``
``wheel``       run by ``ci/first-minutes`` in an empty environment
``notebook``    (of python) run by tests/integration/test_notebook.py
=============== =======================================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

__all__ = ["PAGES", "PARSED", "SHELLS", "Snippet", "command_lines", "matches", "snippets"]

SHELLS = {"sh", "bash", "console"}
PARSED = {"yaml", "toml", "ini", "json", "dockerfile"}
PROSE = {"", "text"}
ATTRIBUTE = re.compile(r' (title|test)="([^"]+)"')
MODES = re.compile(r"no: .{10,}|file|background|server|output|status [1-9]\d*|full|wheel|")

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True, slots=True)
class Snippet:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    title: str
    test: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def excuse(self) -> str:
        return self.test.removeprefix("no: ") if self.test.startswith("no: ") else ""

    @property
    def is_file(self) -> bool:
        return bool(self.title)

    @property
    def fate(self) -> str:
        """``run``, ``parsed``, ``compared``, ``prose`` or ``excused``; anything else is a defect of the page."""
        if not MODES.fullmatch(self.test):
            return f"unknown test={self.test!r}"
        if self.excuse:
            return "excused"
        if self.language in {*SHELLS, "python"}:
            return "run"
        if self.language == "py":
            return "run" if self.page == "docs/notebook.md" else "py is the notebook's: write python"
        if self.language in PARSED:
            return "parsed"
        if self.language in PROSE:
            return "compared" if self.test == "output" or self.page == "docs/notebook.md" else "prose"
        return f"unknown language {self.language!r}"


def snippets(page: Path) -> list[Snippet]:
    name = page.relative_to(ROOT).as_posix() if page.is_relative_to(ROOT) else page.name
    found: list[Snippet] = []
    fence, info, began, body = "", "", 0, list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if fence:
            if line.strip() == fence:
                language, _, rest = info.partition(" ")
                given = dict(ATTRIBUTE.findall(f" {rest}"))
                left = ATTRIBUTE.sub("", f" {rest}").strip()
                test = f"{left} is no attribute" if left else given.get("test", "")
                found.append(Snippet(name, began, language, given.get("title", ""), test, "\n".join([*body, ""])))
                fence = ""
            else:
                body.append(line)
        elif opened := re.match(r"^ *(```+)(.*)$", line):
            fence, info, began, body = opened[1], opened[2].strip(), number, []
    assert not fence, f"{name}: a block is not closed"
    return found


def command_lines(snippet: Snippet) -> str:
    """What a reader types: of a console what stands behind ``$``."""
    if snippet.language != "console":
        return snippet.text
    lines, goes_on = list[str](), False
    for line in snippet.text.splitlines():
        if goes_on or line.startswith("$ "):
            lines.append(line.removeprefix("$ ") if not goes_on else line)
            goes_on = line.endswith("\\")
    assert lines, f"{snippet.name}: a console without a command"
    return "\n".join([*lines, ""])


def _plain(line: str) -> str:
    """Without what differs from run to run."""
    line = re.sub(r"\b[0-9a-f]{16,32}\b", "ID", line)
    line = re.sub(r"\b\d{4}-\d\d-\d\d\b|\b\d\d:\d\d(:\d\d)?\b", "TIME", line)
    line = re.sub(r"\b\d[\d,.]*( ?([nµm]?s|[KMG]?i?B|%)(?!\w)|(?<=\.\d)\b)", "N", line)
    line = re.sub(r"(?<=:)\d{4,5}\b", "PORT", line)
    return re.sub(r"[\s━]+", " ", line).strip()


def matches(expected: str, printed: str) -> bool:
    """Whether the text is what was printed, but for what differs from run to run."""
    wanted = [_plain(line) for line in expected.splitlines() if line.strip()]
    pattern = "\n".join("(?:.*\n)*?.*" if line == "…" else re.escape(line).replace("…", ".*?") for line in wanted)
    return re.fullmatch(pattern, "\n".join(_plain(line) for line in printed.splitlines() if line.strip())) is not None
