"""How far ``spanwire generate`` is, in lines."""

import io
from typing import Any

import pytest
from rich.console import Console

from spanwire.cli import _generate_report
from spanwire.cli._generate_run import Plan, Tally


def test_a_line_that_says_nothing_new_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_generate_report, "_TELL_SECONDS", 1e-9)
    out = io.StringIO()
    plan: Any = Plan
    with _generate_report.Progress(Console(file=out), plan) as progress:
        tally = Tally()
        tally.made = 100
        for lost in (0, 0, 0, 7, 7):
            tally.lost = {"exhausted": lost} if lost else {}
            progress.show(tally)
    assert out.getvalue() == "100 spans\n100 spans, 7 lost\n"
