"""Pictures of the HTML report for the documentation, by Chromium: wide and narrow, light and dark.

    python -m benches.screenshots benches/results/NAME.json [--old OLD.json] [--to docs/images]

RESULT.json is what ``spanwire bench --json RESULT.json`` wrote. Needs ``ci/setup chromium`` and the group ``browser``. Pictures have 128
colours, and are refused if they are larger than 300 KB. What the report has is in tests/integration/cli/test_bench_report_browser.py.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from spanwire.cli.bench.suite._compare import read
from spanwire.cli.bench.suite._html import render
from tests.chromium import chromium
from tests.conftest import program

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"wide": (1400, 1250), "narrow": (390, 1900)}
COLOURS = 128
LARGEST = 300 * 1024


def small(picture: bytes) -> bytes:
    """The same with few colours."""
    with Image.open(io.BytesIO(picture)) as whole:
        few = whole.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()


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
                picture = small(tab.picture(width, height))
                if len(picture) > LARGEST:
                    sys.exit(f"screenshots: {name}, {theme}: {len(picture):,} bytes")
                target = asked.to / f"report-{name}-{theme}.png"
                target.write_bytes(picture)
                print(f"{target}: {len(picture):,} bytes")


if __name__ == "__main__":
    main()
