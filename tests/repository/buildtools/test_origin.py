"""Which commit a build says it is of."""

import subprocess
from pathlib import Path

import pytest
from setuptools import Distribution

from buildtools import commands
from buildtools.origin import Origin, origin


@pytest.fixture(autouse=True)
def _no_wish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("1", encoding="utf-8")
    for command in (
        ["init", "-q"],
        ["add", "file"],
        ["-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "m", "--date", "@86400 +0000"],
    ):
        subprocess.run(
            ["git", "-C", str(tmp_path), *command],
            check=True,
            env={"GIT_COMMITTER_DATE": "@86401 +0000", "PATH": "/usr/bin:/bin"},
        )
    return tmp_path


def test_it_is_gits_and_changed_files_are_told(repository: Path) -> None:
    clean = origin(repository)
    assert len(clean.commit) == 40 and clean.seconds == 86401

    (repository / "file").write_text("2", encoding="utf-8")
    assert origin(repository).commit == f"{clean.commit}+changes"


def test_an_sdist_within_another_checkout_is_of_its_own_commit(repository: Path) -> None:
    inner = repository / "unpacked"
    inner.mkdir()
    assert (origin(inner).commit, origin(inner).seconds) == ("", 0)

    Origin("c0ffee", 5).write(inner)
    assert (origin(inner).commit, origin(inner).seconds) == ("c0ffee", 5)


def test_who_builds_may_say_the_time(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "7")
    assert origin(repository).seconds == 7


def test_an_sdist_is_of_what_was_there_before_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tree lies in the checkout for a while: no change to what is packed."""
    monkeypatch.setattr(
        commands, "origin", lambda root: Origin("changed" if (tmp_path / "tree").exists() else "clean", 1)
    )
    made = commands.COMMANDS["sdist"](Distribution({"name": "spanwire", "version": "1"}))
    made.make_release_tree(str(tmp_path / "tree"), [])
    assert origin(tmp_path / "tree").commit == "clean"
