"""The checks of the site find what they are for: each of these sites has one defect, planted."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.site import pages

GOOD = """<!doctype html><html><head><link rel="stylesheet" href="site.css"></head><body><article>
<h1 id="top">Title</h1><a href="sub/other.html#there">other</a><a href="#top">up</a>
<img src="picture.png"><a href="https://opentelemetry.io/docs/">out</a></article></body></html>"""
OTHER = '<html><body><article><h2 id="there">There</h2><a href="../index.html">back</a></article></body></html>'


def found(site: Path) -> dict[str, list[str]]:
    read = pages.read_all(site)
    return {
        "links": pages.broken_links(site, read),
        "files": pages.missing_files(site, read),
        "foreign": pages.foreign_files(site, read),
        "unsound": pages.unsound_links(read),
        "orphans": pages.orphans(read),
    }


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text(GOOD, encoding="utf-8")
    (tmp_path / "sub/other.html").write_text(OTHER, encoding="utf-8")
    (tmp_path / "site.css").write_text("body { background: url(picture.png) }", encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"")
    return tmp_path


def test_a_good_site_has_no_defect(site: Path) -> None:
    assert not any(found(site).values())


def changed(old: str, new: str) -> Callable[[Path], None]:
    def change(site: Path) -> None:
        page = site / "index.html"
        text = page.read_text(encoding="utf-8")
        assert old in text
        page.write_text(text.replace(old, new), encoding="utf-8")

    return change


DEFECTS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a link to a page that is none": ("links", changed('href="#top"', 'href="sub/missing.html"')),
    "a link to a folder above the site": ("links", changed('href="#top"', 'href="../index.html"')),
    "an anchor that is none": ("links", changed("other.html#there", "other.html#here")),
    "an anchor of the same page": ("links", changed('href="#top"', 'href="#bottom"')),
    "an image that is missing": ("files", changed("picture.png", "missing.png")),
    "an image of a set that is missing": ("files", changed('src="picture.png"', 'srcset="picture.png 1x, big.png 2x"')),
    "a style sheet of another host": ("foreign", changed('href="site.css"', 'href="https://fonts.example/a.css"')),
    "a script without a scheme": (
        "foreign",
        changed("</article>", '<script src="//cdn.example/a.js"></script></article>'),
    ),
    "a font in a style": ("foreign", changed("</article>", "<style>@import 'https://a.example/b'</style></article>")),
    "a style sheet that loads": (
        "foreign",
        lambda site: (site / "site.css").write_text("a { src: url('https://x.example/f.woff') }"),
    ),
    "a link that is not https": ("unsound", changed("https://opentelemetry", "http://opentelemetry")),
    "an address that is none": ("unsound", changed("https://opentelemetry.io/docs/", "https://opentelemetry io/")),
    "a page that nobody reaches": ("orphans", lambda site: (site / "lost.html").write_text(OTHER)),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found(defect: str, site: Path) -> None:
    kind, plant = DEFECTS[defect]
    plant(site)
    assert found(site)[kind]
