"""Rules of the house that a machine can check; CONTRIBUTING.md has them in words."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

LONGEST_FILE = 600  # lines
UNSAFE_MODULES = {"ffi", "arena", "simd"}


def tracked(*patterns: str) -> list[Path]:
    """Files under version control; in an unpacked sdist, what lies there. A build that runs beside the tests has the tree of its sdist
    here for a while.
    """
    try:
        out = subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not applicable: no git checkout")
    names = [name for name in out.split("\0") if name and not name.startswith("spanwire-")]
    return sorted(path for name in names if (path := ROOT / name).is_file())


def test_no_source_file_is_longer_than_600_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in tracked("*.py", "*.pyi", "*.pyx", "*.pxd", "*.pxi", "*.h", "*.rs", "*.go", "ci/*")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert not long


def test_every_unsafe_block_says_why_it_is_sound() -> None:
    """Clippy checks blocks in code that is compiled here; this sees other platforms' and test code as well."""
    missing = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in [*tracked("native/*.rs"), *tracked("benches/guard/*.rs")]
        for number in _unexplained(path.read_text(encoding="utf-8").splitlines())
    ]
    assert not missing


_OPENS_UNSAFE = re.compile(r"\bunsafe\s*(\{|impl\b)|\bunsafe$")


def _unexplained(lines: list[str]) -> list[int]:
    found = []
    for index, line in enumerate(lines):
        code = line.split("//")[0]
        if not _OPENS_UNSAFE.search(code.rstrip()):
            continue
        above = index - 1
        # A statement may begin lines above its unsafe block; its comment stands above the statement.
        while above > 0 and index - above < 6 and "SAFETY:" not in lines[above] and not _ends_statement(lines[above]):
            above -= 1
        while above >= 0 and lines[above].strip().startswith(("//", "#[")) and "SAFETY:" not in lines[above]:
            above -= 1
        if "SAFETY:" not in lines[above] and "SAFETY:" not in line:
            found.append(index + 1)
    return found


def _ends_statement(line: str) -> bool:
    text = line.split("//", maxsplit=1)[0].rstrip()
    return text.endswith((";", "}", "{")) or not text


def test_the_unsafe_rule_sees_a_block_without_a_reason() -> None:
    assert _unexplained(["let a = 1;", "let b = unsafe { f() };"]) == [2]
    assert _unexplained(["// SAFETY: f has no conditions", "let b = unsafe { f() };"]) == []
    assert _unexplained(["// SAFETY: a", "// and b", "let x =", "    unsafe { f() };"]) == []
    assert _unexplained(["let a = 1; // SAFETY: of another", "let c = 2;", "unsafe { f() };"]) == [3]


def test_unsafe_code_lives_in_modules_named_for_it() -> None:
    outside = [
        str(path.relative_to(ROOT))
        for path in tracked("native/*/src/*.rs")
        if re.search(r"\bunsafe\s*\{", _without_comments(path.read_text(encoding="utf-8")))
        and not UNSAFE_MODULES & set(path.relative_to(ROOT).with_suffix("").parts)
    ]
    # The capsule is made of a pointer to a static table.
    assert set(outside) <= {"native/bindings/src/api.rs"}


def _without_comments(text: str) -> str:
    return re.sub(r"//.*", "", text)


def _modules() -> list[Path]:
    return [path for path in tracked("python/*.py", "benches/spanwire_bench/*.py") if path.name != "__main__.py"]


def _place(path: Path) -> Path:
    """Below the folder that its package lies in."""
    folder = ROOT / ("python" if path.is_relative_to(ROOT / "python") else "benches/spanwire_bench/src")
    return path.relative_to(folder)


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(_place(path)))
def test_public_module_says_what_is_public(path: Path) -> None:
    """``__all__`` exists, is sorted, and everything public that the module defines is in it."""
    if any(part.startswith("_") and part != "__init__.py" for part in _place(path).parts):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if len(tree.body) <= 1:
        return  # a docstring: a folder of public modules
    if _passes_on_what_the_sdk_has(tree):
        return  # which differs from version to version; tests/conformance/trace/test_names.py looks at it
    exported = _dunder_all(tree)
    assert exported is not None, "no __all__"
    defined = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    assert defined <= set(exported) or {"cli", "spanwire_bench"} & set(path.parts)  # a program, not a library


def _passes_on_what_the_sdk_has(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.AnnAssign)
        and ast.unparse(node).startswith(("__all__: list[str] = public_names(", "__all__: list[str] = _public_names("))
        for node in tree.body
    )


def _dunder_all(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            names: list[str] = ast.literal_eval(node.value)
            return names
    return None


def test_documentation_names_no_file_of_one_machine() -> None:
    private = re.compile(r"(?<![\w./])/(root|work|home/\w+|Users/\w+)/")
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked("*.md", "*.toml", "Makefile", "ci/*", "*.py", "*.rs", "*.pyx")
        if path.name != Path(__file__).name
        for match in private.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found
