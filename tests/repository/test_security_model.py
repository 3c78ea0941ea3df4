"""docs/security-model.md names tests that exist, for every line; and what it says of all modules is true of all."""

import ast
import re

import pytest

from tests.conftest import ROOT
from tests.repository.test_source import tracked

PAGE = (ROOT / "docs" / "security-model.md").read_text(encoding="utf-8")
REFERENCE = re.compile(r"`((?:tests|native)/[\w/.-]+)::(\w+)`")


def rows() -> list[list[str]]:
    """Cells of the lines that say who can do what."""
    found, inside = [], False
    for line in PAGE.splitlines():
        if line.startswith("| can "):
            inside = True
        elif not line.startswith("|"):
            inside = False
        elif inside and not line.startswith("|---"):
            found.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def is_there(path: str, name: str) -> bool:
    file = ROOT / path
    return file.is_file() and re.search(rf"\b(?:def|fn) {name}\(", file.read_text(encoding="utf-8")) is not None


@pytest.mark.parametrize("path, name", sorted(set(REFERENCE.findall(PAGE))))
def test_each_test_that_is_named_exists(path: str, name: str) -> None:
    assert is_there(path, name)


def test_a_test_that_is_gone_is_found() -> None:
    assert is_there("tests/repository/test_security_model.py", "test_a_test_that_is_gone_is_found")
    assert not is_there("tests/repository/test_security_model.py", "test_that_never_was")
    assert not is_there("tests/unit/test_nowhere.py", "test_that_never_was")


def test_every_line_names_a_test_or_says_why_there_is_none() -> None:
    assert len(rows()) > 40
    for cells in rows():
        assert len(cells) == 3, cells
        assert REFERENCE.search(cells[2]) or cells[2].startswith("none: "), cells[0]


def test_every_other_path_that_is_named_exists() -> None:
    for path in re.findall(r"`((?:tests|native|ci)/[\w/.-]+)`", PAGE):
        assert (ROOT / path).exists(), path


# What starts processes, runs text as code, or makes objects of bytes.
_DANGEROUS = {"subprocess", "pickle", "marshal", "shelve", "multiprocessing", "pty", "ctypes"}
_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen", "spawnv", "execv", "execvp"}


def dangers(text: str) -> set[str]:
    tree = ast.parse(text)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names} & _DANGEROUS
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "").split(".")[0]} & _DANGEROUS
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            owner = ast.unparse(node.func).rpartition(".")[0]
            found |= {name} & _CALLS if owner in ("", "os", "builtins") else set()
    return found


def test_the_library_starts_no_process_and_unpickles_nothing() -> None:
    library = [path for path in tracked("python/*.py") if "cli" not in path.relative_to(ROOT).parts]
    assert len(library) > 40
    assert not {str(path): found for path in library if (found := dangers(path.read_text(encoding="utf-8")))}


def test_commands_run_no_text_and_unpickle_nothing() -> None:
    found = {
        path.name: dangers(path.read_text(encoding="utf-8")) - {"subprocess", "ctypes"}
        for path in tracked("python/spanwire/cli/*.py")
    }
    assert not {name: names for name, names in found.items() if names}


def test_what_is_dangerous_is_seen() -> None:
    assert dangers("import subprocess") == {"subprocess"}
    assert dangers("from pickle import loads") == {"pickle"}
    assert dangers("import os\nos.system('x')\neval('1')") == {"system", "eval"}
    assert dangers("import re\nre.compile('x')") == set()
