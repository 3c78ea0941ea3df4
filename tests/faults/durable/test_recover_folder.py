"""Which folders ``spanwire recover`` takes, what it says of others, and how far it is where nobody looks."""

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from spanwire.cli import recover as module
from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.faults.durable.kills import can_mount
from tests.left_behind import leave


def recover(folder: Path, *options: str, before: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*before, sys.executable, "-m", "spanwire", "recover", str(folder), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "1000"},
    )


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """Without a frame around it."""
    return " ".join(done.stderr.replace("│", " ").split())


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
@pytest.mark.parametrize("level", ["deep", "high", "higher"])
def test_one_level_too_deep_or_too_high_is_refused_with_the_right_folder(
    level: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    place = tmp_path / "var" / "shop"
    place.mkdir(parents=True, mode=0o700)
    leave(place / "spans", "shop", 3)
    (own,) = (place / "spans").iterdir()
    done = recover({"deep": own, "high": place, "higher": tmp_path / "var"}[level], *options)
    if level == "higher":  # no more is looked through: there may be anything
        assert done.stdout.startswith("nothing")
        return
    assert done.returncode == 2, done.stdout
    assert repr(str(place / "spans")) in said(done)
    assert ("is the folder of one process" if level == "deep" else "further down") in said(done)
    assert own.is_dir()


def test_a_folder_in_which_nothing_is_left_is_one(tmp_path: Path) -> None:
    (tmp_path / "spans" / "another").mkdir(parents=True, mode=0o700)
    done = recover(tmp_path / "spans", "--dry-run")
    assert (done.returncode, done.stdout.startswith("nothing")) == (0, True)


def test_a_disk_that_can_only_be_read_is_read(tmp_path: Path) -> None:
    if not can_mount():
        pytest.skip("not applicable: no mount namespaces here")
    leave(tmp_path / "spans", "shop", 12)
    (own,) = (tmp_path / "spans").iterdir()
    there = tmp_path / "spans"
    shell = f'mount --bind {there} {there} && mount -o remount,ro,bind {there} && exec "$@"'
    mounted = ("unshare", "--mount", "sh", "-c", shell, "sh")
    done = recover(there, "--dry-run", "--json", before=mounted)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = json.loads(done.stdout)
    assert (found["service"], found["spans"], found["files"]) == ("shop", 12, [])
    with Sink() as sink:
        done = recover(there, "--endpoint", sink.http_endpoint, before=mounted)
        assert sink.span_count == 0
    assert done.returncode == 1
    assert "on a disk that can only be read" in said(done)
    assert own.is_dir()


def test_a_folder_that_cannot_be_read_is_no_success_of_a_dry_run(tmp_path: Path) -> None:
    leave(tmp_path / "spans", "shop", 12)
    (own,) = (tmp_path / "spans").iterdir()
    own.chmod(0o777)
    done = recover(tmp_path / "spans", "--dry-run")
    assert done.returncode == 1
    assert f"  {own} may be written to by others" in done.stdout
    with Sink() as sink:
        done = recover(tmp_path / "spans", "--endpoint", sink.http_endpoint)
    assert done.returncode == 1
    assert f"left there: {own}: {own} may be written to by others" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="not applicable: only root may give a folder away")
def test_root_is_told_whose_folder_it_is(tmp_path: Path) -> None:
    (tmp_path / "spans").mkdir(mode=0o700)
    user = pwd.getpwnam("nobody")
    os.chown(tmp_path / "spans", user.pw_uid, user.pw_gid)
    done = recover(tmp_path / "spans")
    assert done.returncode == 1
    assert "belongs to another user; run it as that user: nobody" in said(done)


def test_where_there_is_no_terminal_it_says_now_and_then_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Adoption:
        def progress(self) -> tuple[int, int, int, int]:
            return 1, 400, 0, 0

    monkeypatch.setattr(module, "SAY_SECONDS", 0.0)
    progress = module._Progress(Adoption(), 1000, "http://tests/nowhere", is_told=True)  # type: ignore[arg-type]  # as much as is asked
    progress.tell()
    assert capsys.readouterr().err == "400 of 1,000 spans, 600 left\n"
    module._Progress(Adoption(), 1000, "http://tests/nowhere", is_told=False).tell()  # type: ignore[arg-type]  # as above
    monkeypatch.setattr(module, "SAY_SECONDS", 60.0)
    module._Progress(Adoption(), 1000, "http://tests/nowhere", is_told=True).tell()  # type: ignore[arg-type]  # as above
    progress.end()
    assert capsys.readouterr().err == ""
