"""Pictures of the HTML report for the documentation, by Chromium: wide and narrow and some plots, light and dark.

    python -m benches.screenshots benches/results/NAME.json [--old OLD.json] [--to docs/images]

RESULT.json is what ``spanwire bench --json RESULT.json`` wrote. Needs ``ci/setup chromium`` and the group ``browser``. Pictures have 256
colours, and are refused if they are larger than 300 KB. What the report has is in tests/bench/integration/test_bench_report_browser.py.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from spanwire_bench.suite._compare import read
from spanwire_bench.suite._html import render
from tests.chromium import chromium
from tests.conftest import program

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"wide": (1400, 1250), "narrow": (390, 1900)}
COLOURS = 256
LARGEST = 300 * 1024
# Of every kind of plot one: from the last histogram to the series. Null where a run has not both.
PLOTS = """
const [first] = [...document.querySelectorAll("article[id^=o-latency-]")].slice(-1), last = document.querySelector("#o-memory-outage");
if (!first || !last) return null;
const from = first.getBoundingClientRect(), to = last.getBoundingClientRect(), round = Math.round;
return to.bottom > from.top ? [round(from.left) - 16, round(from.top + scrollY) - 16, round(from.width) + 32, round(to.bottom - from.top) + 32] : null;
"""


def small(picture: bytes) -> bytes:
    """The same in its most frequent colours: surfaces and text keep theirs exactly, edges of letters have the nearest."""
    with Image.open(io.BytesIO(picture)) as opened:
        whole = opened.convert("RGB")
    counted = sorted(whole.getcolors(whole.width * whole.height) or (), reverse=True)[:COLOURS]
    palette = Image.new("P", (1, 1))
    palette.putpalette(bytes(channel for _, colour in counted for channel in colour))
    few = whole.quantize(palette=palette, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


def save(target: Path, picture: bytes) -> None:
    content = small(picture)
    if len(content) > LARGEST:
        sys.exit(f"screenshots: {target}: {len(content):,} bytes")
    target.write_bytes(content)
    print(f"{target}: {len(content):,} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("result", help="of `spanwire bench --json`")
    parser.add_argument("--old", help="an earlier one, to be drawn beside it")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images", help="the folder of the pictures")
    asked = parser.parse_args()
    browser, driver = program("chromium"), program("chromedriver")
    if browser is None or driver is None:
        sys.exit("screenshots: Chromium or its driver is missing: ci/setup chromium")
    page = render(read(asked.result), read(asked.old) if asked.old else None)
    asked.to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chromium(browser, driver) as tab:
        path = Path(folder) / "report.html"
        path.write_bytes(page.encode())
        for name, (width, height) in SIZES.items():
            for theme in ("light", "dark"):
                tab.look(width, height, theme)
                tab.open(path.as_uri())
                save(asked.to / f"report-{name}-{theme}.png", tab.picture(0, 0, width, height))
                if name == "wide" and (part := tab.run(PLOTS)):
                    save(asked.to / f"report-plots-{theme}.png", tab.picture(*part))


if __name__ == "__main__":
    main()
