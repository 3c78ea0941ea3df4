"""What the Collector's file exporter writes is read, and what ``spanwire replay`` sends it receives."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from spanwire._native import decode_spans
from tests.integration.collector.peer import Collector
from tests.post import request

pytestmark = [pytest.mark.full, pytest.mark.collector, pytest.mark.requires_program("otelcol")]


def spanwire(*arguments: object) -> str:
    command = [sys.executable, "-m", "spanwire", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("kind", ["json", "proto"])
def test_files_of_the_collector_are_read(tmp_path: Path, kind: str, compression: str | None) -> None:
    sent = tmp_path / "sent.pb"
    sent.write_bytes(request(1000))
    options = {"format": kind} | ({} if compression is None else {"compression": compression})
    with Collector(tmp_path, "plain", file_options=options) as collector:
        spanwire("replay", sent, "--endpoint", collector.endpoint, "--speed=max", "--keep-times", "--batch=100")
        collector.stop()
    counts = json.loads(spanwire("decode", collector.output, "--stats", "--json"))
    assert counts["format"] == ("json" if (kind, compression) == ("json", None) else "prefixed")
    assert (counts["spans"], counts["requests"], counts["traces"]) == (1000, 10, 1)
    spanwire("convert", collector.output, tmp_path / "back.pb")
    names = {span.name for span in decode_spans((tmp_path / "back.pb").read_bytes())}
    assert names == {f"span {number}" for number in range(1000)}
