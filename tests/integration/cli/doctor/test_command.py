"""Options, output and end of the command."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from spanwire.cli import doctor
from spanwire.sink import Sink
from tests.integration.exporter.servers import OK

from .conftest import Doctor


@pytest.mark.parametrize(
    "arguments",
    [
        ["--timeout", "0"],
        ["--timeout", "x"],
        ["--endpoint", "ftp://bob:hunter2@h"],
        ["--nothing"],
        ["extra"],
        ["--time", "1"],
    ],
)
def test_options_that_cannot_work_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        doctor.main(arguments)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and "usage: spanwire doctor" in err and "hunter2" not in err


@pytest.mark.parametrize(
    ("given_url", "whole"),
    [
        ("http://h", "http://h/v1/traces"),
        ("http://h:1/", "http://h:1/v1/traces"),
        (" HTTPS://h ", "HTTPS://h/v1/traces"),
        ("http://h/x", "http://h/x"),
        ("http://h?x=/y", "http://h?x=/y"),
    ],
)
def test_a_path_is_added_where_there_is_none(given_url: str, whole: str) -> None:
    assert doctor._endpoint(given_url) == whole


@pytest.mark.slow
@pytest.mark.parametrize("command", [["-m", "spanwire"], ["-c", "from spanwire.cli import main; main()"]])
def test_it_works_without_the_extra_and_leaves_nothing_behind(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules.update(dict.fromkeys(['typer', 'rich', 'click']))\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment.update(PYTHONPATH=str(tmp_path), COLUMNS="70")
    with Sink() as sink:
        done = subprocess.run(
            [sys.executable, "-W", "error", *command, "doctor", "--endpoint", sink.http_endpoint],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert sink.span_count == 1
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("spans arrive")
    assert max(map(len, done.stdout.splitlines())) < 110


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "spanwire", "doctor", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_ctrl_c_ends_it_without_a_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        process = started("--endpoint", f"http://127.0.0.1:{server.getsockname()[1]}", "--timeout", "60")
        with contextlib.ExitStack() as stack:
            for _ in range(2):  # of the steps tcp and http
                stack.enter_context(server.accept()[0])
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


@pytest.mark.slow
def test_a_reader_that_has_gone_is_no_trouble() -> None:
    process = started("--no-send", "--endpoint", "http://127.0.0.1:9", "--timeout", "1")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), err) == (1, "")


def test_it_is_among_the_commands_of_typer(capsys: pytest.CaptureFixture[str], run: Doctor) -> None:
    from typer.testing import CliRunner

    from spanwire.cli import make_app

    listed = CliRunner().invoke(make_app(), ["--help"])
    assert "doctor" in listed.output
    with Sink() as sink:
        passed = CliRunner().invoke(make_app(), ["doctor", "--endpoint", sink.http_endpoint, "--json"])
        assert sink.span_count == 1
    assert passed.exit_code == 0
    assert json.loads(passed.stdout)["verdict"] == "ok"
    usage = CliRunner().invoke(make_app(), ["doctor", "--help"])
    assert "--no-send" in usage.output and usage.exit_code == 0


def test_the_text_says_what_to_do(run: Doctor) -> None:
    with Sink() as sink:
        sink.inject(status=401, message="who are you", times=None)
        found = run("--endpoint", sink.http_endpoint, as_json=False)
    assert "failed   http           status 401: no or wrong credentials; it says: who are you" in found.text
    assert "-> no credentials are sent: set the header that the receiver wants in" in found.text
    assert "verdict: failed" in found.text and OK not in found.text.encode()


def test_the_document_has_the_fields_of_its_schema(run: Doctor) -> None:
    with Sink() as sink:
        found = run("--endpoint", sink.http_endpoint).document
    assert found["schema"] == 1 and found["command"] == "spanwire doctor"
    assert set(found) == {*["command", "schema", "spanwire", "verdict", "summary", "destination", "seconds", "steps"]}
    for step in found["steps"]:
        assert set(step) == {"name", "outcome", "seconds", "findings", "details"}
        assert step["outcome"] in {"ok", "warning", "failed", "skipped"}
        for one in step["findings"]:
            assert set(one) == {"code", "level", "text", "cure"}
            assert one["code"].startswith(step["name"] + ".")
    (resolved,) = [step for step in found["steps"] if step["name"] == "configuration"]
    for one in resolved["details"]["settings"]:
        assert set(one) == {*["name", "topic", "value", "unit", "source", "from", "variables", "said"]}
