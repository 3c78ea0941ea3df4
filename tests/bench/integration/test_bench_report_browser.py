"""The HTML report in a real browser: no error, nothing fetched, every plot drawn, on any screen, by keyboard and on paper."""

import dataclasses
import functools
import http.server
import json
import re
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from spanwire_bench.suite._html import render
from spanwire_bench.suite._model import Document, Outcome, Row
from tests.bench import documents as bench_documents
from tests.conftest import ROOT, program

if TYPE_CHECKING:
    from tests.chromium import Browser

pytestmark = [pytest.mark.full, pytest.mark.browser, pytest.mark.requires_program("chromium", "chromedriver")]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    from tests.chromium import chromium

    found, driver = program("chromium"), program("chromedriver")
    assert found is not None and driver is not None
    with chromium(found, driver) as one:
        yield one


def file(folder: Path, page: str) -> str:
    path = folder / "report.html"
    path.write_bytes(page.encode())
    return path.as_uri()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a real run writes: little of everything."""
    path = tmp_path_factory.mktemp("run") / "real.html"
    chosen = ["encode/W5", "create/W5", "export/W5", "latency/steady", "threads/W5", "memory/outage", "columns/encode"]
    scenarios = [argument for name in chosen for argument in ("--scenario", name)]
    command = [sys.executable, "-m", "spanwire", "bench", "--quiet", "--scale", "0.02", "--rounds", "2", *scenarios]
    subprocess.run([*command, "--html", str(path)], check=True, stdout=subprocess.DEVNULL, timeout=300)
    return path.as_uri()


def before() -> Document:
    """An older run, in which everything took longer, and of which some sides are missing."""
    old = [
        dataclasses.replace(
            one,
            rows=tuple(
                dataclasses.replace(row, samples=tuple(1.4 * value for value in row.samples)) for row in one.rows[::2]
            ),
        )
        for one in bench_documents.outcomes()
    ]
    return bench_documents.document(old, started="2026-10-01T12:00:00+00:00")


def edges() -> Document:
    """Hardly usual: long names, one row, nothing, partial, doubtful, zero."""
    long = "a name that is far longer than there is room for in any plot, and then some more of it"
    outcomes = [
        Outcome("a/long", long, long * 4, (Row(long.replace(" ", ""), (5.0, 6.0)), Row("spanwire", (5.0, 6.5)))),
        Outcome("a/one", "One row", "", (Row("spanwire", (0.0,)),), reference=None),
        Outcome("b/zero", "Zero", "", (Row("sdk", (0.0, 0.0)), Row("spanwire", (0.0, 0.0))), unit="bytes"),
        Outcome("b/negative", "Less than nothing", "", (Row("sdk", (-4e6, 9e6)), Row("spanwire", (-2e6,)))),
        Outcome(
            "c/many", "Many places", "", tuple(Row("sdk", (5.0 + at,), at=at) for at in range(1, 60)), plot="curve"
        ),
    ]
    return bench_documents.document(outcomes, complete=False)


DOCUMENTS: dict[str, Callable[[], str]] = {
    "whole": lambda: render(bench_documents.document()),
    "compared": lambda: render(bench_documents.document(), before()),
    "edges": lambda: render(edges()),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_nothing_is_wrong_on_any_screen(browser: "Browser", tmp_path: Path, name: str) -> None:
    from tests.bench.report_checks import everything

    assert everything(browser, file(tmp_path, DOCUMENTS[name]())) == []


def test_nothing_is_wrong_with_the_report_of_a_real_run(browser: "Browser", real: str) -> None:
    from tests.bench.report_checks import everything, switches

    assert everything(browser, real) == []
    assert switches(browser, real) == []
    assert browser.run("return document.querySelectorAll('article').length") == 7


def test_a_server_is_asked_for_the_page_alone(browser: "Browser", tmp_path: Path) -> None:
    from tests.bench.report_checks import everything

    file(tmp_path, render(bench_documents.document()))
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            asked.append(self.path)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            assert everything(browser, f"http://127.0.0.1:{server.server_port}/report.html") == []
        finally:
            server.shutdown()
            thread.join()
    assert set(asked) == {"/report.html"}


def test_buttons_do_what_they_say(browser: "Browser", tmp_path: Path) -> None:
    from tests.bench.report_checks import switches

    assert switches(browser, file(tmp_path, render(bench_documents.document()))) == []


def test_everything_can_be_reached_by_keyboard(browser: "Browser", tmp_path: Path) -> None:
    from tests.bench.report_checks import keyboard

    assert keyboard(browser, file(tmp_path, render(bench_documents.document()))) == []


def test_it_is_complete_without_javascript(browser: "Browser", tmp_path: Path) -> None:
    from tests.bench.report_checks import layout, plots, theme_is

    url = file(tmp_path, render(bench_documents.document()))
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        for theme in ("light", "dark"):
            browser.look(1400, theme=theme)
            browser.open(url)
            assert [*plots(browser), *layout(browser), *theme_is(browser, theme)] == []
            assert browser.run("return document.querySelector('.tools').getClientRects().length") == 0
    finally:
        browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def test_it_prints(browser: "Browser", tmp_path: Path) -> None:
    """Pages with a dark theme asked for: text is all there (a PDF of nothing but pictures would have no fonts)."""
    browser.look(1000, media="print", theme="dark")
    browser.open(file(tmp_path, render(bench_documents.document())))
    pdf = browser.pdf()
    assert pdf.startswith(b"%PDF-") and b"/Font" in pdf
    assert 3 < len(re.findall(rb"/Type\s*/Page\b", pdf)) < 20


def test_axe_finds_nothing(browser: "Browser", tmp_path: Path) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    axe = ROOT / "build" / "tools" / "axe-core" / "package" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("not applicable: ci/setup had no npm to fetch axe-core with")
    url = file(tmp_path, render(bench_documents.document(), before()))
    for width in (1400, 360):
        for theme in ("light", "dark"):
            browser.look(width, theme=theme)
            browser.open(url)
            browser.run("for (const one of document.querySelectorAll('details')) one.open = true;")
            browser.run(axe.read_text(encoding="utf-8"))
            browser.run("axe.run().then((said) => { window.found = [said.violations]; });")
            (found,) = WebDriverWait(browser.driver, 60).until(lambda _: browser.run("return window.found"))
            assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_pictures_for_the_documentation_are_taken(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    result.write_text(json.dumps(bench_documents.document().as_json()), encoding="utf-8")
    command = [sys.executable, "-m", "benches.screenshots", str(result), "--old", str(result), "--to", str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=120)
    sizes = {path.name: struct.unpack(">II", path.read_bytes()[16:24]) for path in tmp_path.glob("*.png")}
    for theme in ("light", "dark"):
        assert sizes[f"report-wide-{theme}.png"] == (1400, 1250)
        assert sizes[f"report-narrow-{theme}.png"] == (390, 1900)
        assert sizes[f"report-plots-{theme}.png"][0] > 800
    assert all(path.stat().st_size <= 300 * 1024 for path in tmp_path.glob("*.png"))
    # Light and dark are not the same picture.
    assert len({path.read_bytes() for path in tmp_path.glob("*.png")}) == 6


def _edit(pattern: str, replacement: str) -> Callable[[str], str]:
    def edit(page: str) -> str:
        changed, times = re.subn(pattern, replacement, page, count=1, flags=re.DOTALL)
        assert times == 1, pattern
        return changed

    return edit


NO_POLICY = _edit(r'<meta http-equiv="Content-Security-Policy".*?/>', "")
BROKEN: dict[str, tuple[Callable[[str], str], str]] = {
    "a plot is missing": (_edit(r"<figure.*?</figure>", "<figure></figure>"), "0 plots are shown"),
    "a plot is empty": (
        _edit(r'(<svg class="plot wide.*?</desc>).*?</svg>', r"\1</svg>"),
        "no marks",
    ),
    "a script that the policy does not know": (_edit('"use strict";', '"use strict"; '), "console: SEVERE"),
    "a script fails": (lambda page: NO_POLICY(_edit('"use strict";', '"use strict"; missing();')(page)), "missing"),
    "the console is spoken to": (
        lambda page: NO_POLICY(_edit('"use strict";', '"use strict"; console.warn("so so");')(page)),
        "so so",
    ),
    "something is fetched": (
        lambda page: NO_POLICY(_edit("</h1>", '</h1><img alt="" src="http://127.0.0.1:9/x.png"/>')(page)),
        "request: http://127.0.0.1:9/x.png",
    ),
    "the policy forbids what is fetched": (
        _edit("</h1>", '</h1><img alt="" src="other.png"/>'),
        "Content Security Policy",
    ),
    "a bar is too long": (
        _edit(r'(<rect class="bar [^>]* width=")[\d.]+', r"\g<1>5000"),
        "bar s-sdk is beyond the edge",
    ),
    "a label is cut": (
        _edit(r'(<text class="figure" [^>]*>)', r"\1far too much text for the room that there is here"),
        "is cut",
    ),
    "labels lie over each other": (_edit(r'(<text class="name" .*?</text>)', r"\1\1"), "lies over"),
    "something is wide": (_edit("</h1>", '</h1><svg width="2000" height="5"></svg>'), "the page is 2"),
    "dark is not": (
        lambda page: NO_POLICY(page.replace("color-scheme: light dark", "color-scheme: light")),
        "is not dark",
    ),
    "paper is dark": (
        lambda page: NO_POLICY(page.replace(":root, :root[data-theme] { color-scheme: light; }", "")),
        "print: text is not dark",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(browser: "Browser", tmp_path: Path, name: str) -> None:
    from tests.bench.report_checks import everything

    edit, expected = BROKEN[name]
    found = everything(browser, file(tmp_path, edit(render(bench_documents.document(bench_documents.outcomes()[:4])))))
    assert any(expected in problem for problem in found), found


def test_broken_switches_and_unreachable_things_are_found(browser: "Browser", tmp_path: Path) -> None:
    from tests.bench.report_checks import keyboard, switches

    page = render(bench_documents.document(bench_documents.outcomes()[:4]))
    no_script = _edit(r"<script>.*?</script>", "")(page)
    assert len([one for one in switches(browser, file(tmp_path, no_script)) if "dark" in one or "open" in one]) == 2
    skipped = NO_POLICY(_edit(r"<summary>", '<summary tabindex="-1">')(page))
    assert any("one comes by" in one for one in keyboard(browser, file(tmp_path, skipped)))
    unseen = NO_POLICY(_edit(r"outline: 3px solid", "outline: 0 solid")(page))
    assert any("cannot be seen" in one for one in keyboard(browser, file(tmp_path, unseen)))
