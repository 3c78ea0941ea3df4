"""What our commands add to setuptools' own, and where they add nothing."""

import json
from pathlib import Path

import pytest
from setuptools import Distribution

from buildtools import commands
from buildtools.commands import COMMANDS, RECORD


def distribution(command: str) -> Distribution:
    made = Distribution(
        {"name": "spanwire", "version": "1.2.3", "packages": ["spanwire"], "package_dir": {"": "python"}}
    )
    made.commands = [command]
    made.script_name = "setup.py"
    return made


def metadata(folder: Path, command: str) -> set[str]:
    """What lies in the metadata's folder after the command wrote it."""
    (folder / "METADATA").write_text("Name: spanwire\nLicense-File: LICENSE\n\ntext\n", encoding="utf-8")
    wheel = COMMANDS["bdist_wheel"](distribution(command))
    wheel.ensure_finalized()
    wheel.write_wheelfile(str(folder))
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_wheel_has_its_list_of_parts_and_licences_which_the_metadata_names(tmp_path: Path) -> None:
    names = metadata(tmp_path, "bdist_wheel")

    assert names == {"METADATA", "WHEEL", "licenses/THIRD-PARTY-LICENSES.txt", "sboms/spanwire.cdx.json"}
    text = (tmp_path / "METADATA").read_text(encoding="utf-8")
    assert text == "Name: spanwire\nLicense-File: LICENSE\nLicense-File: THIRD-PARTY-LICENSES.txt\n\ntext\n"


def test_an_editable_install_asks_cargo_nothing_before_it_has_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "linked", None)
    assert metadata(tmp_path, "editable_wheel") == {"METADATA", "WHEEL"}


def test_a_build_leaves_a_record_beside_the_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPANWIRE_PGO", "use")
    monkeypatch.delenv("SETUPTOOLS_RUST_CARGO_PROFILE", raising=False)
    build = COMMANDS["build_py"](distribution("build_py"))
    build.ensure_finalized()
    build.build_lib = str(tmp_path)
    build.run()

    record = json.loads((tmp_path / "spanwire" / RECORD).read_text(encoding="utf-8"))
    assert (record["profile"], record["lto"], record["profile_guided"]) == ("release", "fat", True)
    assert record["tools"]["rustc"][0].isdigit() and record["tools"]["Cython"][0].isdigit()


def test_the_profile_of_the_edit_loop_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETUPTOOLS_RUST_CARGO_PROFILE", "dev-ext")
    assert (commands.record()["profile"], commands.record()["lto"]) == ("dev-ext", "false")
