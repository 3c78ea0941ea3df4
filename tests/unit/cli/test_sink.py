"""``spanwire sink`` as a user runs it: a process that prints, and ends by a signal."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from spanwire import _native
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import TracerProvider
from spanwire.trace.export import SimpleSpanProcessor
from tests.post import PROTOBUF, request

COMMAND = [sys.executable, "-m", "spanwire", "sink"]


@contextmanager
def running(*options: str, stdout: int = subprocess.PIPE) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """The command, and the URL that it says traces go to."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *options], stdout=stdout, stderr=subprocess.PIPE, env=environment
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline().decode()
        found = re.fullmatch(r"listening on (http\S+) \(traces: (\1/v1/traces), gRPC: (http\S+)\)\n", said)
        assert found, said
        yield process, found[2]
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def send(url: str, body: bytes) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": PROTOBUF}), timeout=20) as answer:
        assert answer.status == 200


def end(process: "subprocess.Popen[bytes]", number: int = signal.SIGTERM) -> tuple[str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    return (out or b"").decode(), err.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_json_has_one_request_a_line_and_nothing_else(number: int) -> None:
    with running("--print", "json") as (process, url):
        send(url, request(2))
        assert process.stdout is not None
        first = process.stdout.readline()  # at once, not at the end
        send(url, request(1))
        out, err = end(process, number)
    lines = [first, *out.encode().splitlines()]
    sent = [_native.decode_spans(_native.traces_from_json(line)) for line in lines]
    assert [[span.name for span in spans] for spans in sent] == [["span 0", "span 1"], ["span 0"]]
    assert len(json.loads(lines[0])["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 2
    assert err == "3 spans in 2 requests\n"


def test_tree_shows_each_trace_at_the_end_at_the_latest() -> None:
    with running() as (process, url):
        send(url, request(2, name="GET /"))
        out, _ = end(process)
    assert out.startswith(f"trace {'01' * 16}  2 spans")
    assert ["GET / 0" in out, "GET / 1" in out] == [True, True]


def test_tree_in_a_file_has_whole_lines() -> None:
    name, value = "n" * 200, "v" * 300
    provider = TracerProvider(shutdown_on_exit=False)
    with running("--print", "tree") as (process, url):
        provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(url)))
        provider.get_tracer("tests").start_span(name, attributes={"key": value}).end()
        out, _ = end(process)
    assert [name in out, value in out] == [True, True]


def test_tree_of_a_trace_that_is_quiet_is_shown_while_it_runs() -> None:
    with running("--print", "tree") as (process, url):
        send(url, request(1))
        assert process.stdout is not None
        assert process.stdout.readline().decode().startswith(f"trace {'01' * 16}  1 span")


def test_count_is_printed_while_it_runs_and_at_the_end() -> None:
    with running("--print", "count") as (process, url):
        send(url, request(5))
        assert process.stdout is not None
        assert process.stdout.readline().decode() == f"5 spans, 1 requests, {len(request(5))} bytes\n"
        send(url, request(1))
        out, _ = end(process)
    assert out.splitlines()[-1].startswith("6 spans, 2 requests")


def test_count_on_a_terminal_is_one_live_line() -> None:
    ours, theirs = pty.openpty()
    with running("--print", "count", stdout=theirs) as (process, url):
        os.close(theirs)
        send(url, request(5))
        seen = b""
        while b"5 spans" not in seen:
            seen += os.read(ours, 1000)
        end(process)
    os.close(ours)
    assert b"\r" in seen
    assert b"\n" not in seen


def test_taken_port_is_said_in_one_line() -> None:
    with running() as (_, url):
        port = url.split(":")[2].split("/")[0]
        done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, timeout=60, check=False)
    expected = f"spanwire sink: can't listen on 127.0.0.1 port {port}: Address already in use (os error 98)"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{expected}; --port 0 takes a free one\n")


def run_to_its_end(options: Sequence[str]) -> tuple[int, str]:
    done = subprocess.run([*COMMAND, "--port", "0", *options], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


def test_certificate_that_is_not_there_is_said_in_one_line() -> None:
    status, said = run_to_its_end(["--cert", "nowhere.pem", "--key", "nowhere.pem"])
    assert (status, said) == (1, "spanwire sink: nowhere.pem: No such file or directory\n")
    status, said = run_to_its_end(["--cert", "nowhere.pem"])
    assert status == 2
    assert "--cert and --key belong together" in said


def test_https_is_served_with_a_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    with running("--cert", str(tmp_path / "both.pem"), "--key", str(tmp_path / "both.pem")) as (process, url):
        assert url.startswith("https://127.0.0.1:")
        end(process)


def test_reader_that_goes_away_ends_it() -> None:
    with running("--print", "json") as (process, url):
        assert process.stdout is not None
        process.stdout.close()
        send(url, request(1))
        assert process.wait(timeout=20) == 1
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
