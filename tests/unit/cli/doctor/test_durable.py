"""The step of `spanwire doctor` that looks at the folder of durable queues."""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from spanwire.cli._doctor._context import Context
from spanwire.cli._doctor._model import Step
from spanwire.cli._doctor.steps import durable, setup
from spanwire.exporter.http import OTLPSpanExporter
from tests.left_behind import leave


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("SPANWIRE_DURABLE", "OTEL_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def looked(
    monkeypatch: pytest.MonkeyPatch,
    path: Path | None,
    other_processor: str = "",
    is_other_asked_for: bool = True,
    **variables: str,
) -> Step:
    if path is not None:
        monkeypatch.setenv("SPANWIRE_DURABLE_PATH", str(path))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    context = Context(environment=dict(os.environ))
    context.other_processor, context.is_other_asked_for = other_processor, is_other_asked_for
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
    assert not (tmp_path / "queue").exists()


def test_files_that_are_not_to_be_mapped_are_no_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    step = looked(monkeypatch, tmp_path / "queue", SPANWIRE_DURABLE_MAPPING="never")
    assert found(step) == [("ok", "durable.written")]
    assert "mapping=never" in step.findings[0].text
    assert (step.details["mapping"], step.details["not_mapped"]) == ("never", "mapping=never")


def test_a_folder_that_was_there_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir(mode=0o700)
    looked(monkeypatch, tmp_path / "queue")
    assert list((tmp_path / "queue").iterdir()) == []


@pytest.mark.parametrize(
    ("is_asked_for", "said"),
    [(True, "the folder can be used, and is not"), (False, "with opentelemetry-instrument the folder can be used")],
)
def test_a_folder_that_no_processor_would_use_is_no_success(
    is_asked_for: bool, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = "the configurator 'configurator' makes the SDK's batch processor"
    step = looked(monkeypatch, tmp_path / "queue", other_processor=other, is_other_asked_for=is_asked_for)
    assert ("ok", "durable.mapped") not in found(step)
    (one,) = (one for one in step.findings if one.code == "durable.processor")
    assert one.level == step.outcome == "warning"
    assert one.text.startswith(said) and other in one.text
    assert "OTEL_PYTHON_CONFIGURATOR=spanwire" in one.cure


@pytest.mark.parametrize(
    ("variables", "other", "is_asked_for"),
    [
        ({"OTEL_PYTHON_CONFIGURATOR": "spanwire"}, "", True),
        ({"OTEL_PYTHON_CONFIGURATOR": "configurator"}, "'configurator'", True),
        ({}, "'configurator'", False),
        ({"OTEL_PYTHON_CONFIGURATOR": "spanwire", "SPANWIRE_DISABLED": "1"}, "SPANWIRE_DISABLED", True),
    ],
)
def test_who_makes_the_processor_is_known_from_the_set_up(
    variables: dict[str, str], other: str, is_asked_for: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [SimpleNamespace(name="spanwire"), SimpleNamespace(name="configurator")]
    monkeypatch.setattr(setup, "entry_points", lambda **_: entries)
    context = Context(environment=variables)
    setup.check(context, Step("setup"))
    assert bool(other) == bool(context.other_processor)
    assert other in context.other_processor
    assert context.is_other_asked_for == is_asked_for


@pytest.mark.skipif(os.geteuid() != 0, reason="not applicable: only root may give a folder away")
def test_root_is_told_to_be_who_the_service_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "queue").mkdir(mode=0o700)
    os.chown(tmp_path / "queue", 65534, 65534)
    step = looked(monkeypatch, tmp_path / "queue")
    assert found(step) == [("failed", "durable.refused")]
    assert "run spanwire doctor as the user that the service runs as" in step.findings[0].cure


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
    if what == "nowhere":
        assert step.findings[0].cure == f"the folder above it is not there: mkdir -p {tmp_path / 'no'}"
    else:
        assert "belongs to this user alone" in step.findings[0].cure


def test_a_folder_for_temporary_files_is_warned_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    step = looked(monkeypatch, tmp_path / "temporary" / "queue")
    assert ("warning", "durable.temporary") in found(step)
    assert step.outcome == "warning"


def test_what_ended_processes_have_left_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    leave(tmp_path / "queue", "shop", 12)
    step = looked(monkeypatch, tmp_path / "queue", OTEL_SERVICE_NAME="shop")
    assert ("ok", "durable.left") in found(step)
    assert step.details["left"] == [{"service": "shop", "spans": 12, "delivered": {}}]
    assert step.findings[-1].text.endswith("service shop has left 12 spans: the next start sends them")
    assert step.outcome in {"ok", "warning"}


def test_of_another_service_nobody_is_told_that_the_next_start_sends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    leave(tmp_path / "queue", "shop", 12)
    step = looked(monkeypatch, tmp_path / "queue", OTEL_SERVICE_NAME="till")
    assert "the next start" not in step.findings[-1].text
    assert step.findings[-1].text.endswith("a start of that service sends them, or spanwire recover; this one is till")
