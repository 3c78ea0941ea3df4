"""What README.md and docs/ tell people to copy works, against a real receiver; their links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL_PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / folder / "README.md" for folder in ("benches", "tests")),
]
APPLICATION = """
from opentelemetry import trace
with trace.get_tracer("app").start_as_current_span("from the application"):
    pass
"""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


SNIPPETS = [
    pytest.param(code, id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, code in enumerate(blocks(page, "python"))
]


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    folders = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PATH": folders, **environment},
        timeout=60,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done


@pytest.mark.parametrize("code", SNIPPETS)
def test_python_snippet_runs_without_a_warning(code: str, tmp_path: Path, otlp_sink: Sink) -> None:
    (tmp_path / "snippet.py").write_text(code, encoding="utf-8")

    run([sys.executable, "-W", "error", "snippet.py"], tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=otlp_sink.http_endpoint)


@pytest.mark.parametrize("code", blocks(ROOT / "README.md", "python"))
def test_readme_snippet_delivers_its_span(code: str, tmp_path: Path, otlp_sink: Sink) -> None:
    (tmp_path / "snippet.py").write_text(code, encoding="utf-8")

    run([sys.executable, "snippet.py"], tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=otlp_sink.http_endpoint)

    assert [span.name for span in otlp_sink.spans()] == ["hello"]


def test_readme_three_lines_deliver_an_applications_spans(tmp_path: Path, otlp_sink: Sink) -> None:
    lines = blocks(ROOT / "README.md", "sh")[0]
    assert "http://localhost:4318" in lines
    assert len(lines.splitlines()) == 3
    (tmp_path / "app.py").write_text(APPLICATION, encoding="utf-8")

    run(["sh", "-euc", lines.replace("http://localhost:4318", otlp_sink.http_endpoint)], tmp_path)

    assert [span.name for span in otlp_sink.spans()] == ["from the application"]


def test_commands_of_the_readme_are_make_targets() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = {name for page in ALL_PAGES for name in re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b`", page.read_text())}
    told |= set(re.findall(r"^make ([a-z-]+)", blocks(ROOT / "README.md", "sh")[1], re.MULTILINE))
    assert {"demo", "test"} <= told
    assert told <= targets


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    broken = [target for target in targets if not (page.parent / target).exists()]
    assert not broken


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(
        r"(?<![\w./-])(?:native|python|tests|benches|ci|docs)/[\w./-]*\w", page.read_text(encoding="utf-8")
    )
    assert not [path for path in named if not (ROOT / path).exists()]
