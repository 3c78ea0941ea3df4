"""examples/notebook: it runs from its first cell to its last, and its tables say what a plain reading of the same file says."""

import json
import re
import subprocess
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.examples.conftest import Start

pytestmark = [pytest.mark.full, pytest.mark.examples]

NOTEBOOK = ROOT / "examples" / "notebook" / "analysis.ipynb"


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in found if cell["cell_type"] == "code"]


def spanwire(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "spanwire", *arguments], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def read(line: str) -> dict[str, Any]:
    span = json.loads(line)
    second, fraction = span["start"].rstrip("Z").split(".")
    start = int(datetime.fromisoformat(f"{second}+00:00").timestamp()) * 10**9 + int(fraction)
    return {
        "id": (span["trace_id"], span["span_id"]),
        "parent": (span["trace_id"], span.get("parent_span_id")),
        "service": span["resource"]["service.name"],
        "failed": span["status"] == "error",
        "start": start,
        "end": start + span["duration_ns"],
    }


def own_nanoseconds(span: dict[str, Any], children: list[dict[str, Any]]) -> int:
    """What of a span none of its children covers: their intervals one by one."""
    own, reached = span["end"] - span["start"], span["start"]
    for child in sorted(children, key=lambda child: child["start"]):
        begin, end = max(child["start"], reached), min(child["end"], span["end"])
        own -= max(0, end - begin)
        reached = max(reached, end)
    return int(own)


def test_the_notebook_is_kept_without_outputs() -> None:
    assert [(cell["outputs"], cell["execution_count"]) for cell in cells(NOTEBOOK)] == [([], None)] * 7


def test_it_analyses_a_file_as_a_plain_reading_does(start: Start, tmp_path: Path) -> None:
    dump = tmp_path / "dump.pb"
    spanwire(
        "generate", "--count", "3000", "--seed", "5", "--services", "4", "--error-rate", "0.2", "--output", str(dump)
    )
    spans = [read(line) for line in spanwire("decode", "--lines", str(dump)).splitlines()]
    output = start("-m", "examples.notebook", str(dump), "--output", str(tmp_path)).finish()

    children = defaultdict(list)
    for span in spans:
        children[span["parent"]].append(span)
    services: dict[str, int] = defaultdict(int)
    failed, origins = 0, 0
    for span in spans:
        below = children[span["id"]]
        services[span["service"]] += own_nanoseconds(span, below)
        if span["failed"]:
            failed += 1
            origins += not any(child["failed"] for child in below)
    traces = {span["id"][0] for span in spans}
    assert f"{len(spans)} spans, {len(traces)} traces, {len(services)} services" in output
    assert failed > origins > 10
    assert f"{failed} spans failed" in output and f"; {origins} of them by themselves" in output
    rows = [line.split() for line in output.splitlines()]
    whole = sum(services.values())
    for service, own in services.items():
        assert [service, f"{own / 1e9:.1f}", f"{own / whole:.3f}"] in rows


def test_without_a_file_it_makes_one_and_draws_a_picture(start: Start, tmp_path: Path) -> None:
    output = start("-m", "examples.notebook", "--output", str(tmp_path)).finish()
    assert re.search(r"^50000 spans, \d{4} traces, 6 services$", output, re.MULTILINE)
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    ran = cells(tmp_path / NOTEBOOK.name)
    assert [cell["execution_count"] for cell in ran] == list(range(1, 8))
    kinds = [(one["output_type"], one.get("name", "")) for cell in ran for one in cell["outputs"]]
    assert {("stream", "stderr"), ("error", "")}.isdisjoint(kinds)
