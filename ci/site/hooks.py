"""Hooks of mkdocs: pages that live outside docs/, Markdown as code hosts read it, and anchors as they make them.

Nothing is copied into the repository: a page from elsewhere is read where it lies, and its links are written for its place in
the site. A link to a file that is no page of the site becomes plain text, since the site knows no address of the repository.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from posixpath import normpath, relpath
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent.parent
OUTSIDE = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benches/README.md": "benchmarks.md",
    "tests/README.md": "tests.md",
}
# What is in the site, by its path in the repository; made by on_files.
places: dict[str, str] = {}

FENCE = re.compile(r"^ *(```+|~~~+)")
CODE_OR_LINK = re.compile(
    r"(?P<code>(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`))|\[(?P<text>(?:`[^`]*`|[^][`])*)\]\((?P<to>[^()\s]+)\)"
)
UNIT = re.compile(r"(?<=\d) (?=(?:[nµm]?s|[KMG]?i?B)\b)")
CELL_CODE = re.compile(r"(<code>)([^<]{16,})(</code>)")
ITEM = re.compile(r"^( *)(?:[-*+]|\d+[.)]) ")


def slug(title: str, separator: str) -> str:
    """The anchor of a heading as code hosts make it: links work in both places."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", separator)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    config.mdx_configs["toc"]["slugify"] = slug
    return config


def examples() -> dict[str, str]:
    """Their pages, by path."""
    paths = [page.relative_to(ROOT).as_posix() for page in sorted(ROOT.glob("examples/**/README.md"))]
    return {path: path.replace("README.md", "index.md") for path in paths}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    outside = OUTSIDE | examples()
    for path, place in outside.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / path)))
    files.append(File.generated(config, "adr/index.md", content=decisions()))
    places.clear()
    places.update({f"docs/{file.src_uri}": file.src_uri for file in files if file.src_uri not in outside.values()})
    places.update(outside)
    places["docs/adr"] = "adr/index.md"
    return files


def decisions() -> str:
    lines = ["# Decisions", "", "What was decided where there were alternatives, and what was measured for it.", ""]
    for page in sorted((ROOT / "docs" / "adr").glob("*.md")):
        title = page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        lines.append(f"- [{title}]({page.name})")
    return "\n".join(lines) + "\n"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    del config, files
    here = page.file.src_uri
    source = next((path for path, place in places.items() if place == here), f"docs/{here}")
    return rendered(markdown, lambda text, to: link(source, here, text, to))


def link(source: str, here: str, text: str, to: str) -> str:
    """A link of the file ``source`` of the repository, written for the page ``here`` of the site."""
    target, mark, anchor = to.partition("#")
    if not target or re.match(r"[a-z]+:", to):
        return f"[{text}]({to})"
    path = normpath(f"{source}/../{target}")
    if path in places:
        return f"[{text}]({relpath(places[path], here.rpartition('/')[0] or '.')}{mark}{anchor})"
    if (ROOT / path).exists():
        return text if path.rpartition("/")[2] in text else f"{text} (`{path}`)"
    raise ValueError(f"{source}: the link to {to} leads nowhere")


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """In tables long names may be broken behind a part, not anywhere; a number stays beside its unit."""
    del page, config, files
    return re.sub(
        r"<td.*?</td>", lambda cell: UNIT.sub("&nbsp;", CELL_CODE.sub(_breakable, cell[0])), html, flags=re.DOTALL
    )


def _breakable(code: re.Match[str]) -> str:
    return code[1] + re.sub(r"(_+|::|[./=,])(?=\w)", r"\1<wbr>", code[2]) + code[3]


def rendered(markdown: str, write: Callable[[str, str], str]) -> str:
    """As code hosts read it: lists and tables need no empty line before them, and two blanks nest a list.

    The info string of a fence keeps its language and title only.
    """
    lines: list[str] = []
    fence = ""
    indents: list[int] = []  # of the lists that this line may belong to
    for line in markdown.splitlines():
        if fence:
            lines.append(line)
            if line.strip() == fence:
                fence = ""
                lines.append("")
            continue
        if opened := FENCE.match(line):
            fence = opened[1]
            lines.append(re.sub(r' +test="[^"]*"', "", line))
            continue
        text = CODE_OR_LINK.sub(lambda found: found[0] if found["code"] else write(found["text"], found["to"]), line)
        if item := ITEM.match(line):
            indent = len(item[1])
            if not indents and lines and lines[-1].strip():
                lines.append("")
            while indents and indents[-1] >= indent:
                indents.pop()
            indents.append(indent)
            text = "    " * (len(indents) - 1) + text.lstrip()
        elif line.strip():
            if line.startswith("|") and lines and lines[-1].strip() and not lines[-1].startswith("|"):
                lines.append("")
            if not line.startswith(" ") and (not lines or not lines[-1].strip() or line.startswith(("#", "|"))):
                indents = []
            elif indents and line.startswith(" "):
                text = "    " * len(indents) + text.lstrip()
        lines.append(text)
    return "\n".join(lines) + "\n"
