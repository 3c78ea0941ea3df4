"""ARCHITECTURE.md's rules of imports: the package's layers, and no circle of files, neither in Python nor in a crate."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.repository.graphs import circles, python_graph, rust_graph

PACKAGE = ROOT / "python" / "spanwire"
CRATES = sorted((ROOT / "native").glob("*/src"))

# From the lowest layer up. What a layer names may import what is named above it here, and its own; late imports count.
LAYERS = (
    ("_native", "_reexport", "_settings"),
    ("resources", "environment_variables"),
    ("_telemetry",),
    ("events", "durable", "filters", "_files", "columnar"),
    ("exporter",),
    ("_facade",),
    ("trace",),
    ("_setup",),
    ("distro", "sink"),
    ("",),  # the package itself, which gives names of the layers below it
    ("cli", "_pytest"),
    ("__main__",),
)
# Parts that need each other and share a layer.
TOGETHER = {"_files", "columnar"}

# Methods of a public class whose work stands in files of its own, which are loaded when they are called.
KNOWN_CIRCLES = {
    "spanwire.columnar": [
        "spanwire.columnar._arrow",
        "spanwire.columnar._arrow_arrays",
        "spanwire.columnar._columns",
        "spanwire.columnar._encode",
        "spanwire.columnar._fields",
        "spanwire.columnar._items",
        "spanwire.columnar._pandas",
        "spanwire.columnar._span_columns",
    ]
}


# Circles that crates still have, not cut yet. The test also fails when a listed circle has ended.
KNOWN_IN_CRATES: dict[str, list[list[str]]] = {
    "queue": [["ffi.rs", "lane.rs", "state.rs", "writer.rs"]],
}


def part(module: str) -> str:
    """The part of the package that a module belongs to."""
    return module.removeprefix("spanwire").removeprefix(".").partition(".")[0]


def level(module: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if part(module) in parts)


GRAPH = python_graph(PACKAGE.parent, "spanwire")


def test_every_part_of_the_package_has_a_layer() -> None:
    assert {part(module) for module in GRAPH} <= {name for parts in LAYERS for name in parts}


@pytest.mark.parametrize("name", [name for parts in LAYERS for name in parts])
def test_a_part_imports_lower_layers_only(name: str) -> None:
    upward = [
        f"{module} imports {other}"
        for module, others in GRAPH.items()
        if part(module) == name
        for other in others
        if part(other) != name and level(other) >= level(module) and not {name, part(other)} <= TOGETHER
    ]
    assert not upward


def test_no_circle_of_modules() -> None:
    assert circles(GRAPH) == sorted(KNOWN_CIRCLES.values())


@pytest.mark.parametrize("source", CRATES, ids=lambda source: source.parent.name)
def test_no_circle_of_files_in_a_crate(source: Path) -> None:
    assert circles(rust_graph(source)) == KNOWN_IN_CRATES.get(source.parent.name, [])


def test_a_circle_is_found(tmp_path: Path) -> None:
    files = {
        "spanwire/__init__.py": "",
        "spanwire/a.py": "from spanwire import b\n",
        "spanwire/b.py": "def late():\n    from . import c\n",
        "spanwire/c.py": "from spanwire.a import x\n",
        "spanwire/d.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from spanwire import e\n",
        "spanwire/e.py": "from spanwire import d\n",
        "src/lib.rs": "mod p; mod q; mod r;\npub use p::Shown;\n",
        "src/p.rs": "use crate::{q::{Q, more::*}, r};\nfn f() {}\n",
        "src/q/mod.rs": "#[cfg(test)]\nmod tests { use crate::r::R; }\n",
        "src/q/more.rs": "fn g() { crate::Shown::new(); }\n",
        "src/r.rs": '// use crate::p;\nconst S: &str = "crate::p";\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert circles(python_graph(tmp_path, "spanwire")) == [["spanwire.a", "spanwire.b", "spanwire.c"]]
    assert circles(rust_graph(tmp_path / "src")) == [["p.rs", "q/more.rs"]]
