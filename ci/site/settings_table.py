"""Writes the tables of docs/configuration.md from spanwire._settings; with --check says whether they are as they should be.

    python ci/site/settings_table.py [--check]

A table stands between ``<!-- settings: begin TOPIC -->`` and ``<!-- settings: end -->``.
"""

import argparse
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from spanwire._settings import SETTINGS, Setting

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "configuration.md"
PLACE = re.compile(r"(<!-- settings: begin ([\w' -]+?) -->\n).*?(<!-- settings: end -->\n)", re.DOTALL)


def code(text: str) -> str:
    """A value as code; words stay words."""
    return f"`{text}`" if text and " " not in text else text


def default(setting: Setting) -> str:
    unit = setting.unit if setting.default[:1].isdigit() and setting.default.count(" ") == 0 else ""
    return " ".join(filter(None, (code(setting.default), unit))) or "none"


def prose(text: str) -> str:
    """Names in it as code."""
    return re.sub(r"[\w.]*_[\w.]*\w|\w+_(?= )|\B/\w[\w/]*", lambda found: f"`{found[0]}`", text)


def table(settings: Iterable[Setting]) -> str:
    chosen = list(settings)
    has_keyword, has_variable = any(one.keyword for one in chosen), any(one.variables for one in chosen)
    head = [*(["keyword"] if has_keyword else []), *(["variables"] if has_variable else []), "default", "meaning"]
    lines = [head, ["---"] * len(head)]
    for one in chosen:
        told = one.unit in f"{one.meaning} {default(one)}"
        meaning = prose(one.meaning) + (f"; in {one.unit}" if one.unit and not told else "")
        lines.append(
            [
                *([code(one.keyword)] if has_keyword else []),
                *([", ".join(map(code, one.variables))] if has_variable else []),
                default(one),
                meaning + (" (a secret)" if one.is_secret else ""),
            ]
        )
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def written(page: str) -> str:
    """The page with its tables made anew; every topic has its place."""
    places = [found[2] for found in PLACE.finditer(page)]
    topics = list(dict.fromkeys(one.topic for one in SETTINGS))
    if sorted(places) != sorted(topics):
        differ = sorted(set(places) ^ set(topics)) or "a topic stands there twice"
        raise SystemExit(f"settings_table: docs/configuration.md and spanwire._settings have other topics: {differ}")
    return PLACE.sub(lambda found: found[1] + table(one for one in SETTINGS if one.topic == found[2]) + found[3], page)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail where the tables are old")
    asked = parser.parse_args()
    before = PAGE.read_text(encoding="utf-8")
    after = written(before)
    if asked.check and before != after:
        sys.exit("settings_table: docs/configuration.md is old: make config-table")
    PAGE.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    main()
