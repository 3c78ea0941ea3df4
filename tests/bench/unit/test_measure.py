"""What a run says of the machine."""

import subprocess
from pathlib import Path

import pytest

from spanwire_bench import _measure
from tests.conftest import ROOT


def test_the_environment_says_what_can_be_read_of_the_machine() -> None:
    said = _measure.environment()
    assert isinstance(said["memory_bytes"], int) and said["memory_bytes"] > 1 << 20
    assert isinstance(said["kernel"], str) and said["kernel"]
    assert said["smt"] in (True, False, None)
    assert said["governor"] is None or isinstance(said["governor"], str)


def test_the_commit_is_the_checkouts() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not applicable: no checkout")
    head = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    assert str(_measure.environment()["commit"]).rstrip("+") == head.stdout.strip()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package as if it lay in another checkout."""
    monkeypatch.setattr(_measure, "__file__", str(tmp_path / "python" / "spanwire" / "cli" / "bench" / "_measure.py"))
    return tmp_path


def git(place: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(place), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_changed_file_leaves_a_mark_on_the_commit(elsewhere: Path) -> None:
    assert _measure.environment()["commit"] is None
    git(elsewhere, "init", "-q")
    (elsewhere / "file").write_text("a", encoding="utf-8")
    git(elsewhere, "add", "file")
    git(elsewhere, "commit", "-qm", "first")
    head = git(elsewhere, "rev-parse", "HEAD")
    assert _measure.environment()["commit"] == head
    (elsewhere / "build").write_text("what was built is no change", encoding="utf-8")
    assert _measure.environment()["commit"] == head
    (elsewhere / "file").write_text("b", encoding="utf-8")
    assert _measure.environment()["commit"] == head + "+"


def test_an_installed_package_in_somebody_elses_checkout_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "file").write_text("a", encoding="utf-8")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-qm", "theirs")
    place = tmp_path / "venv" / "lib" / "site-packages" / "spanwire" / "cli" / "bench" / "_measure.py"
    monkeypatch.setattr(_measure, "__file__", str(place))
    assert _measure.environment()["commit"] is None


def test_without_git_there_is_no_commit(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(elsewhere, "init", "-q")
    monkeypatch.setenv("PATH", str(elsewhere))
    assert _measure.environment()["commit"] is None
