"""The checks of a release that ask the sources alone: each holds on a sound tree, and names what is wrong in another one."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from buildtools.origin import Origin
from ci.wheelhouse import pythons, release, table
from tests.conftest import ROOT


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "native").mkdir()
    for name in ("pyproject.toml", "native/Cargo.toml", "native/Cargo.lock"):
        (tmp_path / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## [Unreleased]\n### Added\n- one\n- two\n", encoding="utf-8"
    )
    monkeypatch.setattr(release, "ROOT", tmp_path)
    monkeypatch.setattr(release, "_PYTHON", sys.executable)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "m")
    return tmp_path


def git(tree: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(tree), *arguments], check=True)


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def test_a_sound_tree_passes(tree: Path) -> None:
    version = release._version()
    assert release.version_is_one().startswith(f"{version} in pyproject.toml, native/Cargo.toml")
    assert release.changelog_has_it() == f"2 entries under [Unreleased], which becomes [{version}] - DATE"
    assert len(release.tree_is_clean()) == 40
    assert release.tag_is_free() == f"v{version} is free"


@pytest.mark.parametrize("name", ["pyproject.toml", "native/Cargo.toml"])
def test_another_version_somewhere_is_named(tree: Path, name: str) -> None:
    change(tree / name, f'version = "{release._version()}"', 'version = "9.8.7"')
    with pytest.raises(release.Failed, match=r"9\.8\.7"):
        release.version_is_one()


def test_a_changelog_without_the_version_or_without_an_entry_is_told(tree: Path) -> None:
    log = tree / "CHANGELOG.md"
    change(log, "[Unreleased]", f"[{release._version()}] - 2026-12-31")
    assert release.changelog_has_it().endswith("2 entries")
    change(log, release._version(), "0.0.1")
    with pytest.raises(release.Failed, match=r"the first heading is \[0\.0\.1\]"):
        release.changelog_has_it()
    log.write_text("# Changelog\n\n## [Unreleased]\n\n## [0.0.1] - 2026-01-01\n- old\n", encoding="utf-8")
    with pytest.raises(release.Failed, match=r"nothing stands under \[Unreleased\]"):
        release.changelog_has_it()


def test_changed_files_and_a_taken_tag_are_told(tree: Path) -> None:
    git(tree, "tag", f"v{release._version()}")
    with pytest.raises(release.Failed, match="raise the version"):
        release.tag_is_free()
    (tree / "left").write_text("", encoding="utf-8")
    with pytest.raises(release.Failed, match="commit these: left"):
        release.tree_is_clean()


def test_no_wheel_is_no_sound_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "OUT", tmp_path)
    for one in (
        release.wheels_are_built,
        release.wheels_are_sound,
        release.build_is_reproducible,
        release.build_is_of_one_kind,
    ):
        with pytest.raises(release.Failed, match="make wheels"):
            one()


def test_the_wheels_of_the_pythons_that_were_asked_for_suffice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def python(wanted: list[str]) -> list[pythons.Python]:
        every = [pythons.Python((3, minor), f"3.{minor}.1", tmp_path) for minor in (11, 12)]
        return [one for one in every if not wanted or f"3.{one.version[1]}" in wanted]

    wheel = tmp_path / "some.whl"
    wheel.write_bytes(b"wheel")
    commit = "0" * 40
    row = table.Row(wheel.name, "3.12.1", "zig", 5, hashlib.sha256(b"wheel").hexdigest(), commit, False, True)
    table.save(tmp_path, [row])
    monkeypatch.setattr(release, "OUT", tmp_path)
    monkeypatch.setattr(release, "find", python)
    monkeypatch.setattr(release, "origin", lambda root: Origin(commit, 0))

    monkeypatch.setenv("PYTHONS", "3.12")
    assert release.main(["fresh"]) == 0
    assert release.wheels_are_built() == "1: 3.12.1; not asked for: 3.10, 3.11, 3.13, 3.14"
    monkeypatch.delenv("PYTHONS")
    assert release.main(["fresh"]) == 1
    with pytest.raises(release.Failed, match="for each Python"):
        release.wheels_are_built()


def test_a_failed_check_is_a_line_and_decides_the_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> str:
        raise release.Failed("do this")

    monkeypatch.setattr(release, "CHECKS", {"first": fails, "second": lambda: "as it should be"})
    assert release.main([]) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "  first                  FAILED  do this",
        "  second                 ok      as it should be",
    ]
    monkeypatch.setattr(release, "CHECKS", {"second": lambda: "as it should be"})
    assert release.main([]) == 0
