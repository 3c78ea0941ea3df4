"""ARCHITECTURE.md's layer rule: crates depend in one direction, and Python stays in the bindings."""

from pathlib import Path
from typing import Any

import pytest
import tomli

from tests.conftest import ROOT

# A crate may use what is on a line above its own, never its own line or below.
LAYERS = (
    {"ground", "kernels"},
    {"wire"},
    {"record", "queue", "json", "columns", "net"},
    {"durable", "transport", "receiver", "files"},
    {"engine", "sink"},
    {"bindings"},
)
# Crates that no layer below `bindings` may know.
PYTHON_CRATES = {"pyo3", "pyo3-ffi", "pyo3-build-config", "numpy"}
CRATES = sorted(path.parent for path in (ROOT / "native").glob("*/Cargo.toml"))


def manifest(crate: Path) -> dict[str, Any]:
    return tomli.loads((crate / "Cargo.toml").read_text(encoding="utf-8"))


def dependencies(crate: Path, *, tests: bool = False) -> set[str]:
    """Names of what a crate is built from (with ``tests``, of what its tests use too)."""
    data = manifest(crate)
    tables = ["dependencies", "build-dependencies", *(["dev-dependencies"] if tests else [])]
    places = [data, *data.get("target", {}).values()]
    return {name for place in places for table in tables for name in place.get(table, ())}


def test_every_crate_has_a_layer() -> None:
    assert {crate.name for crate in CRATES} <= set.union(*LAYERS)


@pytest.mark.parametrize("crate", CRATES, ids=lambda crate: crate.name)
def test_crate_depends_on_lower_layers_only(crate: Path) -> None:
    level = next(number for number, names in enumerate(LAYERS) if crate.name in names)
    allowed = {f"spanwire-{name}" for names in LAYERS[:level] for name in names}
    ours = {name for name in dependencies(crate) if name.startswith("spanwire-")}
    assert ours <= allowed


@pytest.mark.parametrize("crate", CRATES, ids=lambda crate: crate.name)
def test_only_the_bindings_know_python(crate: Path) -> None:
    known = PYTHON_CRATES & dependencies(crate, tests=True)
    assert not known or crate.name == "bindings"


def test_wire_depends_on_nothing() -> None:
    assert dependencies(ROOT / "native" / "wire") <= {"spanwire-kernels"}


def test_versions_of_the_package_and_the_core_are_the_same() -> None:
    package = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    core = tomli.loads((ROOT / "native" / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]["version"]
    assert package == core
