"""What a built site refers to, read by a parser of HTML, and what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

# Attributes that make a browser fetch something for the page itself.
LOADED = {
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("source", "srcset"),
    ("source", "src"),
    ("iframe", "src"),
    ("video", "src"),
    ("audio", "src"),
    ("object", "data"),
    ("embed", "src"),
    ("link", "href"),
}
# Links of a head that are no more than said.
SAID = {"canonical", "prev", "next"}
IN_CSS = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s]+)""")


@dataclass(slots=True)
class Page:
    """One file of HTML."""

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)  # of elements in the article


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.articles = 0
        self.styles = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if anchor := given.get("id") or (given.get("name") if tag == "a" else None):
            self.page.anchors.add(anchor)
        if tag == "a" and "href" in given:
            self.page.links.append(given["href"])
        for name, value in given.items():
            if (tag, name) in LOADED and not (tag == "link" and set(given.get("rel", "").split()) & SAID):
                parts = [part.split()[0] for part in value.split(",")] if name == "srcset" else [value]
                self.page.loaded += parts
        if "style" in given:
            self.page.loaded += IN_CSS.findall(given["style"])
        self.articles += tag == "article"
        self.styles += tag == "style"
        if self.articles:
            self.page.counts[tag] = self.page.counts.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        self.articles -= tag == "article"
        self.styles -= tag == "style"

    def handle_data(self, data: str) -> None:
        if self.styles:
            self.page.loaded += IN_CSS.findall(data)


def read(path: Path) -> Page:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    return reader.page


def read_all(site: Path) -> dict[str, Page]:
    return {path.relative_to(site).as_posix(): read(path) for path in sorted(site.rglob("*.html"))}


def is_foreign(url: str) -> bool:
    """Whether the address is of another host (or of another kind than a file beside the page)."""
    parts = urlsplit(url)
    return bool(parts.scheme or parts.netloc) and parts.scheme != "data"


def place(page: str, url: str) -> str:
    """Path in the site of what the page refers to."""
    path = unquote(urlsplit(url).path)
    if not path:
        return page
    if path.startswith("/"):
        return path[1:] or "index.html"
    steps = page.split("/")[:-1]
    for step in path.split("/"):
        if step == "..":
            if not steps:
                return f"(outside of the site) {path}"
            steps.pop()
        elif step != ".":
            steps.append(step)
    found = "/".join(steps)
    return f"{found}index.html" if found.endswith("/") or not found else found


def broken_links(site: Path, pages: dict[str, Page]) -> list[str]:
    wrong = []
    for name, page in pages.items():
        for url in page.links:
            if is_foreign(url):
                continue
            target, anchor = place(name, url), unquote(urlsplit(url).fragment)
            if not (site / target).is_file():
                wrong.append(f"{name}: {url}: no such file")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                wrong.append(f"{name}: {url}: no such anchor")
    return wrong


def missing_files(site: Path, pages: dict[str, Page]) -> list[str]:
    return [
        f"{name}: {url}"
        for name, page in pages.items()
        for url in page.loaded
        if not is_foreign(url) and not url.startswith("data:") and not (site / place(name, url)).is_file()
    ]


def foreign_files(site: Path, pages: dict[str, Page]) -> list[str]:
    """What a browser would fetch from other hosts to show a page."""
    wrong = [f"{name}: {url}" for name, page in pages.items() for url in page.loaded if is_foreign(url)]
    for sheet in sorted(site.rglob("*.css")):
        found = IN_CSS.findall(sheet.read_text(encoding="utf-8"))
        wrong += [f"{sheet.relative_to(site)}: {url}" for url in found if is_foreign(url)]
    return wrong


def unsound_links(pages: dict[str, Page]) -> list[str]:
    """Links to other places that are not https, or no address at all."""
    wrong = []
    for name, page in pages.items():
        for url in filter(is_foreign, page.links):
            parts = urlsplit(url)
            host = parts.hostname or ""
            sound = re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", host) and not re.search(r"[\s<>\"{}|\\^`]", url)
            if parts.scheme != "https" or parts.username or not sound:
                wrong.append(f"{name}: {url}")
    return wrong


def orphans(pages: dict[str, Page]) -> list[str]:
    """Pages that nobody reaches from the first one by its links."""
    reached, ahead = set(), ["index.html"]
    while ahead:
        name = ahead.pop()
        if name in reached or name not in pages:
            continue
        reached.add(name)
        ahead += [place(name, url) for url in pages[name].links if not is_foreign(url)]
    return sorted(pages.keys() - reached - {"404.html"})
