"""Pictures of two pages of the documentation's site, light and dark, by Chromium.

    make docs && python -m benches.site_screenshots [--site build/site] [--to docs/images]

Needs ``ci/setup chromium`` and the group ``browser``. Pictures have 256 colours, and are refused if they are larger than 200 KB.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benches.screenshots import ROOT, small
from tests.chromium import chromium
from tests.conftest import program

PAGES = {"home": "index.html", "getting-started": "getting-started.html"}
WIDTH, HEIGHT = 1280, 960
LARGEST = 200 * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--site", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--to", type=Path, default=ROOT / "docs" / "images", help="the folder of the pictures")
    asked = parser.parse_args()
    browser, driver = program("chromium"), program("chromedriver")
    if browser is None or driver is None:
        sys.exit("site_screenshots: Chromium or its driver is missing: ci/setup chromium")
    missing = [name for name in PAGES.values() if not (asked.site / name).is_file()]
    if missing:
        sys.exit(f"site_screenshots: {asked.site} has no {missing[0]}: make docs")
    with chromium(browser, driver) as tab:
        for theme in ("light", "dark"):
            tab.look(WIDTH, HEIGHT, theme)
            for name, page in PAGES.items():
                tab.open((asked.site / page).resolve().as_uri())
                time.sleep(0.5)  # the theme fades colours in
                picture = small(tab.picture(0, 0, WIDTH, HEIGHT))
                target = asked.to / f"site-{name}-{theme}.png"
                if len(picture) > LARGEST:
                    sys.exit(f"site_screenshots: {target}: {len(picture):,} bytes")
                target.write_bytes(picture)
                print(f"{target}: {len(picture):,} bytes")


if __name__ == "__main__":
    main()
