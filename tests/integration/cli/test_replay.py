"""Files of spans through real pipes, to a real receiver, cut off by a real Ctrl-C."""

import gzip
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanwire._native import traces_to_json
from spanwire.sink import Sink
from tests.ports import refusing
from tests.post import request

MS = 1_000_000
BEGIN = 1_700_000_000_000 * MS


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "spanwire", *map(str, arguments)]


def run(*arguments: object, data: bytes = b"", status: int = 0) -> "subprocess.CompletedProcess[bytes]":
    done = subprocess.run(command(*arguments), input=data, capture_output=True, timeout=60, check=False)
    assert done.returncode == status, done.stderr.decode()
    return done


def recording(starts: Sequence[int], spans_a_trace: int = 1) -> bytes:
    """A span for each start (milliseconds), so many of them a trace."""
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = resource.scope_spans.add()
    for number, start in enumerate(starts):
        scope.spans.add(
            trace_id=(number // spans_a_trace + 1).to_bytes(16, "big"),
            span_id=(number + 1).to_bytes(8, "big"),
            name=f"span {number}",
            start_time_unix_nano=BEGIN + start * MS,
            end_time_unix_nano=BEGIN + (start + 5) * MS,
        )
    return bytes(message.SerializeToString())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "spans.pb"
    path.write_bytes(recording(range(0, 3000, 3), spans_a_trace=2))
    return path


def test_everything_arrives_moved_to_now_and_is_reported(file: Path, otlp_sink: Sink) -> None:
    before = time.time_ns()
    done = run("replay", file, "--endpoint", otlp_sink.http_endpoint, "--speed", "20", "--json")
    after = time.time_ns()
    report = json.loads(done.stdout)
    assert (report["delivered"], report["dropped"], report["not_sent"]) == (1000, {}, 0)
    assert report["requests"] == otlp_sink.request_count >= 2
    assert report["endpoint"] == otlp_sink.traces_endpoint
    spans = sorted(otlp_sink.spans(), key=lambda span: int(span.name.split()[1]))
    assert len(spans) == 1000
    assert before <= spans[0].start_time <= spans[-1].start_time <= after
    assert {span.end_time - span.start_time for span in spans} == {5 * MS}
    # Within a trace nothing changes; traces begin 20 times as close to each other.
    assert {second.start_time - first.start_time for first, second in zip(spans[::2], spans[1::2], strict=True)} == {
        3 * MS
    }
    length = spans[-2].start_time - spans[0].start_time
    assert abs(length - 2994 * MS / 20) < 1000
    assert {span.resource_attributes["service.name"] for span in spans} == {"shop"}


def test_times_are_kept_and_ids_are_new_when_asked(file: Path, otlp_sink: Sink) -> None:
    out = run(
        "replay", "-", "--endpoint", otlp_sink.traces_endpoint, "--speed=max", "--keep-times", "--new-ids",
        data=gzip.compress(file.read_bytes()),
    ).stdout  # fmt: skip
    assert b"1,000 of 1,000 spans delivered; nothing dropped" in out
    spans = otlp_sink.spans()
    assert {span.start_time for span in spans} == {BEGIN + start * MS for start in range(0, 3000, 3)}
    ids = {span.trace_id for span in spans}
    assert len(ids) == 500 and not ids & {f"{number:032x}" for number in range(600)}


def test_what_the_backend_refuses_is_counted(file: Path, otlp_sink: Sink) -> None:
    otlp_sink.inject(status=400, message="no more")
    otlp_sink.inject(rejected=7, message="seven")
    done = run(
        "replay", file, "--endpoint", otlp_sink.http_endpoint, "--speed=max", "--batch=100", "--connections=1", status=1
    )
    assert b"893 of 1,000 spans delivered; 107 dropped: refused 100, rejected 7" in done.stdout
    assert otlp_sink.span_count == 893


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_report_that_is_true(tmp_path: Path, otlp_sink: Sink, number: int) -> None:
    path = tmp_path / "spans.pb"
    path.write_bytes(recording([*range(100), 3_600_000]))
    with subprocess.Popen(
        command("replay", path, "--endpoint", otlp_sink.http_endpoint, "--json"), stdout=subprocess.PIPE
    ) as process:
        otlp_sink.wait_for(100, timeout=60)
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    report = json.loads(out)
    assert (report["delivered"], report["not_sent"], report["dropped"]) == (otlp_sink.span_count, 1, {})


def test_what_is_due_in_hundreds_of_years_is_waited_for(tmp_path: Path, otlp_sink: Sink) -> None:
    path = tmp_path / "spans.pb"
    path.write_bytes(recording([0, 3_600_000]))
    arguments = command("replay", path, "--endpoint", otlp_sink.http_endpoint, "--speed=1e-9", "--json")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        otlp_sink.wait_for(1, timeout=60)
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=60)
    assert process.returncode == 130 and b"Traceback" not in said, said.decode()
    assert (json.loads(out)["delivered"], json.loads(out)["not_sent"]) == (1, 1)


def test_a_backend_that_is_gone_does_not_hold_ctrl_c(file: Path) -> None:
    with (
        refusing() as port,
        subprocess.Popen(
            command("replay", file, "--endpoint", f"http://127.0.0.1:{port}", "--speed=max", "--timeout=600"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
    ):
        assert process.stderr is not None
        process.stderr.readline()  # the file is read: it sends
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.startswith(b"0 of 1,000 spans delivered; ")


def test_a_broken_file_is_not_sent_unless_its_whole_part_is_wanted(file: Path, otlp_sink: Sink) -> None:
    data = file.read_bytes()[:-10]
    done = run("replay", "-", "--endpoint", otlp_sink.http_endpoint, "--speed=max", data=data, status=1)
    assert b"nothing was sent" in done.stderr and otlp_sink.span_count == 0
    done = run("replay", "-", "--endpoint", otlp_sink.http_endpoint, "--speed=max", "--partial", data=data, status=1)
    assert b"broken at byte" in done.stderr and otlp_sink.span_count == 999


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--speed=0"], "a number above 0, or max"),
        (["--header=x"], "NAME=VALUE"),
        (["--endpoint=nowhere"], "nowhere"),
        (["--compression=zip"], "zip"),
    ],
)
def test_options_that_cannot_work_are_refused(options: list[str], said: str) -> None:
    done = run("replay", "-", *options, status=2)
    assert said in done.stderr.decode().replace("│", "")


def test_commands_are_joined_by_pipes(file: Path) -> None:
    shell = " | ".join(
        [
            f"cat {file}",
            f"{sys.executable} -m spanwire convert - - --to jsonl --compression zstd",
            f"{sys.executable} -m spanwire decode - --lines",
        ]
    )
    done = subprocess.run(["sh", "-c", shell], capture_output=True, timeout=60, check=True)
    assert [json.loads(line)["name"] for line in done.stdout.splitlines()] == [f"span {n}" for n in range(1000)]


def test_a_reader_that_leaves_early_is_no_trouble(file: Path) -> None:
    shell = f"for i in 1 2 3 4 5 6 7 8; do cat {file}; done | {sys.executable} -m spanwire decode - --lines | head -n 1"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, timeout=60, check=True)
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


def test_lines_are_shown_as_they_come_and_ctrl_c_ends_the_wait() -> None:
    with subprocess.Popen(
        command("decode", "-", "--lines"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(traces_to_json(request(1)) + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["name"] == "span 0"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


def test_a_terminal_gets_a_bar(file: Path, otlp_sink: Sink) -> None:
    ours, theirs = pty.openpty()
    arguments = command("replay", file, "--endpoint", otlp_sink.http_endpoint, "--speed", "3")
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=theirs, env=environment) as process:
        os.close(theirs)
        seen = b""
        try:
            while more := os.read(ours, 10_000):
                seen += more
        except OSError:  # it ended
            pass
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert b"replaying" in seen
    assert process.returncode == 0 and b"nothing dropped" in out


@pytest.mark.parametrize("protocol, content_type", [("grpc", "application/grpc"), ("http/json", "application/json")])
def test_a_recording_goes_over_the_protocol_that_was_asked_for(
    protocol: str, content_type: str, file: Path, otlp_sink: Sink
) -> None:
    options = ("--protocol", protocol, "--speed", "max", "--json")
    report = json.loads(run("replay", file, "--endpoint", otlp_sink.http_endpoint, *options).stdout)
    assert (report["delivered"], report["dropped"], report["not_sent"]) == (1000, {}, 0)
    assert otlp_sink.span_count == 1000
    assert {request.content_type for request in otlp_sink.requests()} == {content_type}
