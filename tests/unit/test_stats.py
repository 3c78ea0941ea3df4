"""Reasons for drops: one list, which code and pages agree with."""

import re

import spanwire
from spanwire._telemetry.stats import REASONS
from tests.conftest import ROOT


def test_the_reasons_are_those_of_the_native_part_and_of_exporters_in_python() -> None:
    source = (ROOT / "native/engine/src/process/account.rs").read_text(encoding="utf-8")
    native = set(re.findall(r'Self::\w+ => "(\w+)"', source))
    assert len(native) > 5
    assert native | {"raised"} == set(REASONS)
    assert sorted(REASONS) == list(REASONS)


def test_each_reason_is_explained_where_stats_is_and_in_operations() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    for reason in REASONS:
        assert f"``{reason}``" in (spanwire.stats.__doc__ or ""), reason
        assert re.search(rf"^\| `{reason}` \|", page, re.MULTILINE), reason
