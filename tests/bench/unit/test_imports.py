"""The benchmarks are a program of somebody else's, as far as spanwire is concerned: they use its public names alone."""

import ast
from collections.abc import Iterator

import pytest

from tests.conftest import ROOT

SOURCES = ROOT / "benches" / "spanwire_bench" / "src" / "spanwire_bench"


def private(text: str) -> Iterator[str]:
    """Each name of spanwire's that begins with an underscore and is imported, or read from a module that is."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Attribute):
            names = [ast.unparse(node)]
        else:
            continue
        for name in names:
            first, *rest = name.split(".")
            if first == "spanwire" and any(part.startswith("_") and not part.startswith("__") for part in rest):
                yield name


def test_only_public_names_of_spanwire_are_used() -> None:
    files = sorted(SOURCES.rglob("*.py"))
    assert len(files) > 100
    found = {str(path.relative_to(SOURCES)): list(private(path.read_text(encoding="utf-8"))) for path in files}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from spanwire._native import FrameQueue", ["spanwire._native.FrameQueue"]),
        ("def f():\n    from spanwire.cli import _render", ["spanwire.cli._render"]),
        ("import spanwire.cli._render", ["spanwire.cli._render"]),
        (
            "import spanwire\nspanwire._telemetry.stats.stats()",
            ["spanwire._telemetry.stats.stats", "spanwire._telemetry.stats", "spanwire._telemetry"],
        ),
        ("from spanwire import __version__, stats\nfrom spanwire_bench import _measure", []),
    ],
)
def test_a_private_name_is_found(text: str, found: list[str]) -> None:
    assert list(private(text)) == found
