"""A new user's path: docs/getting-started.md as it stands, from empty environments, by the script that times it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.packaging.environments import own_wheel

pytestmark = [pytest.mark.full, pytest.mark.wheel, pytest.mark.timeout(600)]


def test_each_of_the_three_ways_ends_with_a_trace_in_the_sink(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "steps.json"
    done = subprocess.run(
        [sys.executable, str(ROOT / "ci" / "first-minutes"), str(own_wheel()), "--json", str(written)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with capsys.disabled():
        print(f"\n{done.stdout}")
    ways = json.loads(written.read_text(encoding="utf-8"))
    assert [way["name"][:2] for way in ways] == ["1.", "2.", "3."]
    for way, name in zip(ways, ("checkout", "one line", "exporter only"), strict=True):
        assert way["first_trace"].startswith("trace ") and f"\n{name} " in way["first_trace"]
        assert any("pip install" in step["command"] for step in way["steps"])
