"""Every example has a page that says how to run it, a command that does, a line in the index and a test."""

import re

import pytest
import tomli

from tests.conftest import ROOT

FOLDER = ROOT / "examples"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/README.md"))


def test_no_folder_is_without_a_page() -> None:
    assert sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "__pycache__") == NAMES
    assert len(NAMES) >= 4


@pytest.mark.parametrize("name", NAMES)
def test_its_page_says_what_it_shows_how_to_run_it_and_what_is_seen(name: str) -> None:
    page = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    assert "\nWhat it shows: " in page
    assert page.count(f"\n```sh\nmake example-{name}\n```\n") == 1
    assert "What you see" in page or "You should see" in page
    assert re.search(rf"^example-{name}: .* ## .*\(examples/{name}\)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert f"]({name}/README.md)" in (FOLDER / "README.md").read_text(encoding="utf-8")
    assert (ROOT / "tests" / "examples" / f"test_{name}.py").exists()


def test_what_an_image_installs_is_what_is_tested() -> None:
    group = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]["examples"]
    files = list(FOLDER.glob("*/requirements.txt"))
    assert files
    for file in files:
        assert set(file.read_text(encoding="utf-8").split()) <= set(group)
