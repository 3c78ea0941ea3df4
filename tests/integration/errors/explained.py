"""Whether what was said is what docs/errors.md explains."""

import re
from functools import cache

import pytest

from spanwire.exporter.http import OTLPSpanExporter
from tests.conftest import ROOT
from tests.integration.exporter.conftest import counts
from tests.messages import Entry, normal, read_catalogue

__all__ = ["assert_explained", "last_error", "lines"]

HELD_BACK = r"(?: \(\d+ more like this in the last minutes\))?"


@cache
def _entries() -> dict[str, Entry]:
    return {entry.slug: entry for entry in read_catalogue(ROOT / "docs" / "errors.md")}


def assert_explained(text: str, slug: str, *parts: str) -> None:
    """The whole text is one of the entry's messages, and these parts of the entry are in it."""
    entry = _entries()[slug]
    whole = [normal(message) for message in entry.messages if not message.startswith("… ")]
    assert any(_pattern(message).fullmatch(text) for message in whole), f"{text!r} is none of {slug}: {whole}"
    for part in parts:
        assert part in entry.normal, f"{part!r} is none of {slug}"
        assert _pattern(part).search(text), f"{text!r} has no {part!r}"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What spanwire's logger said."""
    return [record.getMessage() for record in caplog.records if record.name == "spanwire"]


def last_error(exporter: OTLPSpanExporter) -> str:
    """Of its destination, since it was made."""
    error = counts(exporter)["last_error"]
    assert isinstance(error, str)
    return error


def _pattern(template: str) -> "re.Pattern[str]":
    return re.compile(".*".join(re.escape(part) for part in template.split("{}")) + HELD_BACK, re.DOTALL)
