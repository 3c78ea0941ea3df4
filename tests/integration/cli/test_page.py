"""What docs/cli.md tells people to type about files of spans works, against a real receiver."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.post import request

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def block(command: str) -> str:
    section = PAGE.split(f"\n## {command}\n")[1].split("\n## ")[0]
    return str(re.findall(r"^```sh\n(.*?)^```", section, re.DOTALL | re.MULTILINE)[0])


def run(script: str, folder: Path) -> str:
    (folder / "spans.pb").write_bytes(request(5))
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_decode_as_the_page_says(tmp_path: Path) -> None:
    out = run(block("decode"), tmp_path)
    assert out.count("5 spans in 1 traces") == 2
    assert out.startswith(f"trace {'01' * 16}")
    assert any(json.loads(line).get("name") == "span 0" for line in out.splitlines() if line.startswith('{"trace_id"'))


def test_convert_as_the_page_says(tmp_path: Path) -> None:
    run(block("convert"), tmp_path)
    assert (tmp_path / "spans.bin").read_bytes() == len(request(5)).to_bytes(4, "big") + request(5)
    assert "5 spans" in run("spanwire decode back.pb --stats", tmp_path)


def test_replay_as_the_page_says(tmp_path: Path, otlp_sink: Sink) -> None:
    script = block("replay")
    assert "http://localhost:4318" in script
    out = run(script.replace("http://localhost:4318", otlp_sink.http_endpoint), tmp_path)
    assert out.startswith("5 of 5 spans delivered; nothing dropped")
    assert otlp_sink.span_count == 10


def test_every_format_and_option_of_the_page_exists() -> None:
    from spanwire._files.span_file import FORMATS

    section = PAGE.split("\n## decode\n")[1]
    assert all(f"`{name}`" in section for name in FORMATS)


@pytest.mark.parametrize("command", ["decode", "convert", "replay"])
def test_options_of_the_page_exist(command: str) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "spanwire", command, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
    ).stdout
    section = PAGE.split(f"\n## {command}\n")[1].split("\n## ")[0]
    assert {option for option in re.findall(r"--[a-z][a-z-]+", section) if option not in shown} == set()
