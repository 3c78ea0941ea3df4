"""docs/dependencies.md says of every dependency why it is there: no more, no less."""

import re
from collections import defaultdict

import tomli
from packaging.requirements import Requirement

from tests.conftest import ROOT
from tests.repository.test_architecture import CRATES, manifest

PYPROJECT = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BENCH = tomli.loads((ROOT / "benches" / "spanwire_bench" / "pyproject.toml").read_text(encoding="utf-8"))


def documented() -> dict[str, list[str]]:
    """Section title to the names in the first column of its table."""
    names: dict[str, list[str]] = defaultdict(list)
    title = ""
    for line in (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            title = line[3:]
        elif row := re.match(r"\| `([^`]+)` \| (.+) \|$", line):
            assert len(row[2]) > 5, f"{row[1]}: no reason"
            names[title].append(row[1])
    return names


def python_names(requirements: list[str]) -> list[str]:
    return [Requirement(text).name for text in requirements]


def rust_names(table: str, *, tested: bool = False) -> set[str]:
    """Names in that table; with ``tested``, in what only builds for tests have."""
    places = [
        place
        for data in map(manifest, CRATES)
        for condition, place in (("", data), *data.get("target", {}).items())
        if (condition == "cfg(loom)") == tested
    ]
    return {name for place in places for name in place.get(table, ()) if not name.startswith("spanwire-")}


def test_every_python_dependency_has_its_reason() -> None:
    sections = documented()
    project = PYPROJECT["project"]
    assert sections["Python, at run time"] == python_names(project["dependencies"])
    assert sections["Python, extra `cli`"] == python_names(project["optional-dependencies"]["cli"])
    assert sections["Python, spanwire-bench"] == python_names(BENCH["project"]["dependencies"])
    extras = {name for extra in ("arrow", "numpy") for name in python_names(project["optional-dependencies"][extra])}
    assert sections["Python, extras `arrow` and `numpy`"] == sorted(extras)
    assert sections["Python, to build"] == sorted(python_names(PYPROJECT["build-system"]["requires"]))
    assert sections["Python, to compare with"] == python_names(PYPROJECT["dependency-groups"]["peers"])
    assert sections["Python, to make wheels"] == python_names(PYPROJECT["dependency-groups"]["wheels"])
    assert sections["Python, to look at the report"] == python_names(PYPROJECT["dependency-groups"]["browser"])
    assert sections["Python, to make the site"] == python_names(PYPROJECT["dependency-groups"]["docs"])
    assert sections["Python, to measure web frameworks"] == python_names(PYPROJECT["dependency-groups"]["web"])
    group = PYPROJECT["dependency-groups"]["instrumentations"]
    assert sorted(sections["Python, to run instrumentations"]) == sorted(python_names(group))
    assert sections["Python, to run the examples"] == python_names(PYPROJECT["dependency-groups"]["examples"])
    assert sorted(sections["Python, to develop"]) == sorted(
        name
        for group in ("arrow", "dev", "newest", "servers")
        for name in python_names(PYPROJECT["dependency-groups"][group])
    )


def test_every_rust_dependency_has_its_reason() -> None:
    sections = documented()
    assert sections["Rust, in the wheel"] == sorted(rust_names("dependencies"))
    extra = rust_names("dev-dependencies") | rust_names("build-dependencies") | rust_names("dependencies", tested=True)
    for apart in [*(ROOT / "native").glob("*/fuzz"), *(ROOT / "native").glob("*/model")]:
        extra |= {name for name in manifest(apart)["dependencies"] if not name.startswith("spanwire-")}
    extra -= rust_names("dependencies")
    assert sections["Rust, to build and test"] == sorted(extra)


def test_dev_group_holds_what_the_build_needs() -> None:
    """`make` builds without isolation, in the development environment."""
    assert set(PYPROJECT["build-system"]["requires"]) <= set(PYPROJECT["dependency-groups"]["dev"])


def test_the_benchmarks_have_the_version_of_what_they_measure() -> None:
    assert BENCH["project"]["version"] == PYPROJECT["project"]["version"]
    assert set(BENCH["build-system"]["requires"]) <= set(PYPROJECT["dependency-groups"]["dev"])


def test_workspace_declares_no_crate_that_nothing_uses() -> None:
    workspace = tomli.loads((ROOT / "native" / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["dependencies"]
    tables = ("dependencies", "dev-dependencies", "build-dependencies")
    used = {name for table in tables for tested in (False, True) for name in rust_names(table, tested=tested)}
    assert {name for name in workspace if not name.startswith("spanwire-")} == used


def test_every_crate_uses_what_it_declares() -> None:
    unused = []
    for crate in CRATES:
        paths = [path for path in crate.rglob("*.rs") if "target" not in path.parts]
        # Benchmarks of the crates are under benches/rust.
        paths += [crate / bench["path"] for bench in manifest(crate).get("bench", ()) if "path" in bench]
        text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
        for table in ("dependencies", "dev-dependencies", "build-dependencies"):
            unused += [
                f"{crate.name}: {name}"
                for name in manifest(crate).get(table, ())
                if not re.search(rf"\b{name.replace('-', '_')}\b", text)
            ]
    assert not unused
