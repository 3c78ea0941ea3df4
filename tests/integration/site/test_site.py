"""The documentation as a site: built without a warning, whole in itself, and as the pages read on a code host."""

import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests.conftest import ROOT, program
from tests.integration.site import pages

pytestmark = [pytest.mark.docs, pytest.mark.full]
MKDOCS = ROOT / "build" / "docs-venv" / "bin" / "mkdocs"
# Page of the site to file of the repository, where these are not of the same name.
ELSEWHERE = {
    "index": "README.md",
    "architecture": "ARCHITECTURE.md",
    "changelog": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
    "benchmarks": "benches/README.md",
    "tests": "tests/README.md",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert MKDOCS.exists(), "`make test-docs` makes the environment"
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [str(MKDOCS), "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        # Whoever wants something from elsewhere does not get it.
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "http_proxy": "http://[::1]:9", "https_proxy": "http://[::1]:9"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return folder


@pytest.fixture(scope="module")
def read(site: Path) -> dict[str, pages.Page]:
    return pages.read_all(site)


def source(name: str) -> Path | None:
    stem = name.removesuffix(".html")
    candidates = [ROOT / ELSEWHERE.get(stem, f"docs/{stem}.md"), ROOT / f"{stem.removesuffix('index')}README.md"]
    return next((path for path in candidates if path.is_file()), None)


def test_every_page_of_the_documentation_is_in_it(read: dict[str, pages.Page]) -> None:
    wanted = [*(ROOT / "docs").rglob("*.md"), *(ROOT / path for path in ELSEWHERE.values())]
    assert {source(name) for name in read} >= set(wanted)


def test_every_link_leads_to_a_page_and_an_anchor(
    site: Path, read: dict[str, pages.Page], capsys: pytest.CaptureFixture[str]
) -> None:
    assert not pages.broken_links(site, read)
    inner = [url for page in read.values() for url in page.links if not pages.is_foreign(url)]
    anchors = [url for url in inner if "#" in url]
    outer = {url for page in read.values() for url in page.links if pages.is_foreign(url)}
    assert len(inner) > 1000 and len(anchors) > 100
    print(
        f"site: {len(read)} pages, {len(inner):,} inner links, {len(anchors):,} of them to anchors, {len(outer)} others"
    )


def test_every_image_style_and_script_is_there(site: Path, read: dict[str, pages.Page]) -> None:
    assert not pages.missing_files(site, read)
    assert sum(page.counts.get("img", 0) for page in read.values()) >= 5


def test_nothing_is_loaded_from_other_hosts(site: Path, read: dict[str, pages.Page]) -> None:
    assert not pages.foreign_files(site, read)


def test_links_to_other_places_are_sound_and_https(read: dict[str, pages.Page]) -> None:
    assert not pages.unsound_links(read)


def test_every_page_is_reached_from_the_first(read: dict[str, pages.Page]) -> None:
    assert not pages.orphans(read)


def test_pages_have_the_parts_that_a_code_host_shows(read: dict[str, pages.Page]) -> None:
    """Other rules of Markdown make paragraphs of lists and tables, and nobody notices."""
    differing = {}
    for name, page in read.items():
        path = source(name)
        if path is None:
            continue
        wanted: Counter[str] = Counter()
        for token in MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8")):
            if token.type == "fence":
                wanted["pre"] += 1
            elif token.type.endswith("_open") and token.tag in {"li", "ul", "ol", "tr", "h1", "h2", "h3", "h4"}:
                wanted[token.tag] += 1
        got = {tag: page.counts.get(tag, 0) for tag in wanted}
        if got != dict(wanted):
            differing[name] = {tag: (got[tag], count) for tag, count in wanted.items() if got[tag] != count}
    assert not differing, "built, and as a code host shows it"


@pytest.mark.requires_program("chromium", "chromedriver")
def test_it_works_from_a_disk_with_its_search_in_both_themes(site: Path) -> None:
    from tests.chromium import chromium

    browser, driver = program("chromium"), program("chromedriver")
    assert browser is not None and driver is not None
    with chromium(browser, driver) as tab:
        colours = set()
        for theme in ("light", "dark"):
            tab.look(1200, 900, theme)
            tab.open((site / "configuration.html").as_uri())
            colours.add(tab.run("return getComputedStyle(document.body).backgroundColor"))
        assert len(colours) == 2, "one theme"
        tab.run(
            "const box = document.querySelector('.md-search__input'); box.focus(); box.value = 'backoff retries';"
            "box.dispatchEvent(new Event('keyup', {bubbles: true})); box.dispatchEvent(new Event('input', {bubbles: true}))"
        )
        hits = tab.driver.execute_async_script(
            "const done = arguments[0]; const look = () => {"
            "const hits = [...document.querySelectorAll('.md-search-result__link')].map(hit => hit.getAttribute('href'));"
            "hits.length ? done(hits) : setTimeout(look, 50)}; look()"
        )
        assert any("configuration.html" in hit for hit in hits)
        assert not [line for line in tab.said() if not re.search("favicon", line)]
        assert all(url.startswith(("file:", "about:", "blob:")) for url in tab.requested())
