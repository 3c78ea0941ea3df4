"""Figures that docs/operations.md reckons with are those of the kept run of the suite."""

import json
import re

import pytest

from spanwire import encode_spans
from spanwire_bench import _workloads
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
(KEPT,) = (
    json.loads(path.read_text()) for path in (ROOT / "benches/results").glob("amd-epyc-2-cores-python-3.11.json")
)
# Runs of one machine differ by so much.
NEAR = 0.15


def measured(scenario: str) -> float:
    (found,) = (one for one in KEPT["scenarios"] if one["name"] == scenario)
    (row,) = (row for row in found["rows"] if row["side"] == "spanwire")
    return float(row["median"])


def told(row: str, column: int) -> float:
    (cells,) = re.findall(rf"^\| {re.escape(row)}[^|]*\|(.*)\|$", PAGE, re.MULTILINE)
    return float(re.findall(r"[\d.,]+", cells.split("|")[column])[0].replace(",", ""))


@pytest.mark.parametrize(
    ("row", "column", "scenario", "unit"),
    [
        ("CPU of a span", 0, "export/W5", 1e3),
        ("CPU of a span", 1, "export/WR", 1e3),
        ("with gzip", 0, "export-gzip/W5", 1e3),
        ("memory of a span that waits", 0, "memory/queued", 1),
        ("memory of a process that sends", 0, "otel/memory-usage", 1e6),
    ],
)
def test_a_figure_is_that_of_the_kept_run(row: str, column: int, scenario: str, unit: float) -> None:
    assert told(row, column) == pytest.approx(measured(scenario) / unit, rel=NEAR)


@pytest.mark.parametrize(("workload", "column"), [("W5", 0), ("WR", 1)])
def test_bytes_of_a_span_are_what_the_encoder_writes(workload: str, column: int) -> None:
    spans = _workloads.make(workload, 2048)
    assert told("bytes of a span", column) == pytest.approx(len(encode_spans(spans)) / len(spans), rel=0.02)


def test_the_examples_follow_from_the_figures() -> None:
    cpu = {"WR": told("CPU of a span", 1), "W5": told("CPU of a span", 0)}
    size = {"WR": told("bytes of a span", 1), "W5": told("bytes of a span", 0)}
    for column, (rate, workload) in enumerate([(1_000, "WR"), (20_000, "W5")], 1):
        assert told("share of a core", column) == pytest.approx(rate * cpu[workload] / 1e4, rel=0.05)
        assert told("network", column) == pytest.approx(rate * size[workload] / 1e6, rel=0.05)
        requests = max(rate / 2048, rate * size[workload] / 400_000)
        assert told("requests", column) == pytest.approx(requests, rel=0.1)
        assert told("what the queue holds", column) == pytest.approx((64 << 20) / rate / size[workload], rel=0.05)
