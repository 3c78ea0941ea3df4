"""The step of `spanwire doctor` that looks at the folder of durable queues."""

import os
import tempfile
from pathlib import Path

import pytest

from spanwire.cli._doctor._context import Context
from spanwire.cli._doctor._model import Step
from spanwire.cli._doctor.steps import durable
from spanwire.exporter.http import OTLPSpanExporter
from tests.left_behind import leave


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("SPANWIRE_DURABLE", "OTEL_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def looked(monkeypatch: pytest.MonkeyPatch, path: Path | None, **variables: str) -> Step:
    if path is not None:
        monkeypatch.setenv("SPANWIRE_DURABLE_PATH", str(path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    context = Context(environment=dict(os.environ))
    context.exporter = OTLPSpanExporter(endpoint="http://127.0.0.1:9/v1/traces")
    step = Step("durable")
    try:
        durable.check(context, step)
    finally:
        context.close()
    return step


def found(step: Step) -> list[tuple[str, str]]:
    return [(one.level, one.code) for one in step.findings]


def test_where_it_is_not_wanted_nothing_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    step = looked(monkeypatch, None)
    assert found(step) == [("skipped", "durable.skipped")]
    assert "SPANWIRE_DURABLE_PATH" in step.findings[0].text


def test_a_folder_that_can_be_used_is_told_and_left_as_it_was(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    step = looked(monkeypatch, tmp_path / "queue", SPANWIRE_DURABLE_FSYNC="interval")
    assert step.outcome in {"ok", "warning"}  # by the file system
    assert found(step) in ([("ok", "durable.mapped")], [("warning", "durable.written")])
    assert str(tmp_path / "queue") in step.findings[0].text
    assert step.details["path"] == str(tmp_path / "queue")
    assert (step.details["fsync"], step.details["left"]) == ("interval", [])
    assert list((tmp_path / "queue").iterdir()) == []


@pytest.mark.parametrize("what", ["link", "writable", "file", "nowhere"])
def test_a_folder_that_is_refused_is_told_with_what_to_do(
    what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "queue"
    said = "symbolic link"
    if what == "link":
        (tmp_path / "real").mkdir(mode=0o700)
        place.symlink_to(tmp_path / "real")
    elif what == "writable":
        place.mkdir()
        place.chmod(0o777)
        said = "may be written to by others"
    elif what == "file":
        place.write_text("")
        said = "is no folder"
    else:
        place, said = tmp_path / "no" / "queue", "No such file"
    step = looked(monkeypatch, place)
    assert found(step) == [("failed", "durable.refused")]
    assert str(place) in step.findings[0].text and said in step.findings[0].text
    assert "belongs to this user alone" in step.findings[0].cure


def test_a_folder_for_temporary_files_is_warned_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    step = looked(monkeypatch, tmp_path / "temporary" / "queue")
    assert ("warning", "durable.temporary") in found(step)
    assert step.outcome == "warning"


def test_what_ended_processes_have_left_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    leave(tmp_path / "queue", "shop", 12)
    step = looked(monkeypatch, tmp_path / "queue")
    assert ("ok", "durable.left") in found(step)
    assert step.details["left"] == [{"service": "shop", "spans": 12}]
    assert "service shop has left 12 spans" in step.findings[-1].text
    assert step.outcome in {"ok", "warning"}
