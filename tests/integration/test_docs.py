"""What README.md and docs/ tell people to copy works, against a real receiver; their links lead somewhere."""

import configparser
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import tomli
import yaml  # type: ignore[import-untyped]  # it has no types

from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.dockerfile import check_dockerfile
from tests.integration.shell_pages import APPLICATION, LONG, run_page
from tests.snippets import PAGES, SHELLS, Snippet, snippets

ALL_PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / folder / "README.md" for folder in ("benches", "tests")),
]
BLOCKS = [snippet for page in PAGES for snippet in snippets(page)]
# Run by tests/examples, each with its program.
EXAMPLES = [one for page in sorted((ROOT / "examples").rglob("README.md")) for one in snippets(page)]
FATES = {"run", "parsed", "compared", "prose", "excused"}


def of(page: str, *languages: str) -> list[Snippet]:
    return [snippet for snippet in BLOCKS if snippet.page == page and snippet.language in languages]


def named(found: list[Snippet]) -> list[object]:
    return [pytest.param(snippet, id=snippet.name) for snippet in found]


PYTHON = [one for one in BLOCKS if one.language == "python" and one.test != "file" and not one.excuse]
PARSED = [one for one in BLOCKS if one.fate == "parsed"]
# Of it most is run by tests/integration/cli/test_page.py too, so the rest can wait.
LONG_PAGES = {"docs/cli.md"}
SHELL_PAGES = list(
    dict.fromkeys(
        one.page for one in BLOCKS if one.language in SHELLS and not one.excuse and one.page not in LONG_PAGES
    )
)
FULL_PAGES = list(
    dict.fromkeys(one.page for one in BLOCKS if one.language in SHELLS and (one.test in LONG or one.page in LONG_PAGES))
)


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


def test_every_block_is_run_or_parsed_or_says_why_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert not [f"{one.name}: {one.fate}" for one in (*BLOCKS, *EXAMPLES) if one.fate not in FATES]
    counts = Counter(f"{one.fate} {one.language or 'text'}" for one in BLOCKS if one.fate != "prose")
    excuses = Counter(one.excuse for one in BLOCKS if one.excuse)
    by = Counter(one.test for one in BLOCKS if one.fate == "run" and one.test in {*LONG, "wheel", "file"})
    there = Counter(one.fate for one in EXAMPLES if one.fate != "prose")
    with capsys.disabled():
        print(f"\nblocks of {len(PAGES)} pages: {_told(counts)}\nof those that are run: {_told(by)}")
        for reason, count in sorted(excuses.items()):
            print(f"excused: {count}: {reason}")
        print(f"of the examples, by tests/examples: {_told(there)}")
    assert counts["run python"] >= 30 and counts["run sh"] >= 15
    assert sum(excuses.values()) * 5 < sum(counts.values())


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


@pytest.mark.parametrize("snippet", named(PYTHON))
def test_python_snippet_runs_without_a_warning(snippet: Snippet, tmp_path: Path, otlp_sink: Sink) -> None:
    (tmp_path / "snippet.py").write_text(snippet.text, encoding="utf-8")

    run([sys.executable, "-W", "error", "snippet.py"], tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=otlp_sink.http_endpoint)


@pytest.mark.parametrize("page", SHELL_PAGES)
def test_shell_blocks_do_what_the_page_says(page: str, tmp_path: Path, otlp_sink: Sink) -> None:
    run_page([one for one in BLOCKS if one.page == page], tmp_path, otlp_sink)


@pytest.mark.full
@pytest.mark.timeout(300)
def test_long_shell_blocks_too(tmp_path: Path, otlp_sink: Sink) -> None:
    for page in FULL_PAGES:
        folder = tmp_path / page.replace("/", "-")
        folder.mkdir()
        run_page([one for one in BLOCKS if one.page == page], folder, otlp_sink, full=True)


@pytest.mark.parametrize("snippet", named(PARSED))
def test_other_blocks_can_be_parsed(snippet: Snippet) -> None:
    if snippet.language == "yaml":
        assert any(document is not None for document in yaml.safe_load_all(snippet.text))
    elif snippet.language == "toml":
        assert tomli.loads(snippet.text)
    elif snippet.language == "ini":
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(snippet.text)
        assert parser.sections()
    elif snippet.language == "json":
        json.loads(snippet.text)
    else:
        check_dockerfile(snippet.text)


@pytest.mark.parametrize("snippet", named(of("README.md", "python")))
def test_readme_snippet_delivers_its_span(snippet: Snippet, tmp_path: Path, otlp_sink: Sink) -> None:
    (tmp_path / "snippet.py").write_text(snippet.text, encoding="utf-8")

    run([sys.executable, "snippet.py"], tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=otlp_sink.http_endpoint)

    assert [span.name for span in otlp_sink.spans()] == ["hello"]


def test_readme_three_lines_deliver_an_applications_spans(tmp_path: Path, otlp_sink: Sink) -> None:
    lines = of("README.md", "sh")[0].text
    assert "http://localhost:4318" in lines
    assert len(lines.splitlines()) == 3
    (tmp_path / "app.py").write_text(APPLICATION, encoding="utf-8")

    run(["sh", "-euc", lines.replace("http://localhost:4318", otlp_sink.http_endpoint)], tmp_path)

    assert [span.name for span in otlp_sink.spans()] == ["from the application"]


def test_commands_of_the_readme_are_make_targets() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = {name for page in ALL_PAGES for name in re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b`", page.read_text())}
    told |= {
        name
        for one in BLOCKS
        if one.language in SHELLS
        for name in re.findall(r"^make ([a-z-]+)", one.text, re.MULTILINE)
    }
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


def test_tests_that_pages_name_exist() -> None:
    named = {
        (path, name)
        for page in ALL_PAGES
        for path, name in re.findall(r"\b(tests/[\w/]+\.py)::(test_\w+)", page.read_text(encoding="utf-8"))
    }
    assert len(named) > 15
    wrong = [
        f"{path}::{name}"
        for path, name in sorted(named)
        if not re.search(rf"^ *(async )?def {name}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not wrong


def test_a_file_of_a_page_is_used_by_its_commands() -> None:
    """Else nothing runs it."""
    unused = [
        one.name
        for one in BLOCKS
        if one.test == "file"
        and not any(one.title in other.text for other in BLOCKS if other.page == one.page and other.language in SHELLS)
    ]
    assert not unused
