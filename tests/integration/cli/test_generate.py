"""``spanwire generate`` for real: processes, sockets, a sink that counts."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from spanwire._native import decode_spans
from spanwire.sink import ReceivedSpan, Sink
from spanwire.sink._trees import build_traces
from tests.ports import refusing
from tests.post import JSON, post

pytestmark = pytest.mark.slow


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "spanwire", "generate", *map(str, arguments)]


def generate(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=100,
        env={**os.environ, **environment},
    )


def report(done: "subprocess.CompletedProcess[str]", status: int = 0) -> dict[str, Any]:
    assert done.returncode == status, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["spans"] == said["delivered"] + sum(said["lost"].values())
    return said


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.mark.parametrize("processes", [1, 3])
def test_what_is_told_is_what_the_sink_counts(sink: Sink, processes: int) -> None:
    said = report(generate("--count", 40_000, "--processes", processes, "--endpoint", sink.http_endpoint, "--json"))
    assert said["spans"] == said["delivered"] == sink.span_count == 40_000
    assert said["requests"] == sink.request_count
    assert said["lost"] == {} and said["error"] is None
    assert said["processes"] == processes
    assert 0 < said["latency_seconds"]["p50"] <= said["latency_seconds"]["max"] < 60
    assert said["spans_per_second"] > 0 and said["cpu_seconds"] > 0


def test_what_arrives_are_whole_traces(sink: Sink) -> None:
    report(generate("--count", 9_000, "--seed", 5, "--error-rate", 0.2, "--endpoint", sink.http_endpoint, "--json"))
    spans = list(sink.spans())
    traces = build_traces(spans)
    assert len(spans) == 9_000 and len(traces) > 300
    failed = 0
    for trace in traces:
        (root,) = trace.roots
        assert root.span.parent_span_id is None
        stack = [root]
        while stack:
            node = stack.pop()
            for child in node.children:
                assert node.span.start_time <= child.span.start_time < child.span.end_time <= node.span.end_time
                stack.append(child)
        failed += any(span.status.code == StatusCode.ERROR for span in trace.spans)
    assert abs(failed - 0.2 * len(traces)) < 5 * (0.16 * len(traces)) ** 0.5
    assert len({span.resource_attributes["service.name"] for span in spans}) == 8
    assert max(span.end_time for span in spans) <= time.time_ns()
    assert_conventions(spans)


def assert_conventions(spans: list[ReceivedSpan]) -> None:
    """Each kind of operation has what its convention asks for, and the exception's event if it failed."""
    by_kind: dict[str, set[str]] = defaultdict(set)
    for span in spans:
        attributes = span.attributes
        for key, needed in (
            ("http.request.method", ()),
            ("db.system.name", ("db.operation.name", "db.query.text")),
            ("rpc.system", ("rpc.service", "rpc.method", "rpc.grpc.status_code")),
            ("messaging.system", ("messaging.destination.name", "messaging.operation.type")),
        ):
            if key in attributes:
                by_kind[span.kind.name if hasattr(span.kind, "name") else str(span.kind)].add(key.partition(".")[0])
                assert all(one in attributes for one in needed), attributes
        exceptions = [event for event in span.events if event.name == "exception"]
        assert len(exceptions) == (span.status.code == StatusCode.ERROR)
    assert by_kind["SERVER"] >= {"http", "rpc"} and by_kind["CLIENT"] >= {"http", "rpc", "db"}
    assert by_kind["PRODUCER"] == by_kind["CONSUMER"] == {"messaging"}


def test_the_same_seed_and_start_write_the_same_bytes(tmp_path: Path) -> None:
    def written(name: str, *more: object) -> bytes:
        path = tmp_path / name
        report(generate("--count", 10_000, "--output", path, "--json", *more))
        return path.read_bytes()

    fixed = ("--seed", 3, "--start-time", "2026-01-31T12:00:00Z")
    first = written("a.pb", *fixed)
    assert written("b.pb", *fixed) == first
    assert written("c.pb", "--seed", 4, "--start-time", "2026-01-31T12:00:00Z") != first
    assert len(written("d.pb", "--seed", 3)) == len(first), "only times differ"


def test_files_are_requests_that_a_receiver_takes(tmp_path: Path, sink: Sink) -> None:
    wire, lines = tmp_path / "a.pb", tmp_path / "a.jsonl"
    for path in (wire, lines):
        report(generate("--count", 3_000, "--seed", 1, "--start-time", 0, "--batch", 1000, "--output", path, "--json"))
    assert post(sink, wire.read_bytes()).status == 200
    of_wire = [(span.span_id, span.name, span.end_time, span.attributes) for span in sink.spans()]
    sink.clear()
    texts = lines.read_bytes().splitlines()
    assert len(texts) == 3
    for text in texts:
        assert post(sink, text, content_type=JSON).status == 200
    of_lines = [(span.span_id, span.name, span.end_time, span.attributes) for span in sink.spans()]
    assert of_wire == of_lines and len(of_wire) == 3_000


def test_a_file_that_is_there_is_replaced_by_force_only(tmp_path: Path) -> None:
    path = tmp_path / "a.pb"
    path.write_text("before")
    done = generate("--count", 10, "--output", path)
    assert (done.returncode, done.stderr) == (1, f"spanwire generate: {path} exists: --force replaces it\n")
    assert path.read_text() == "before"
    report(generate("--count", 10, "--output", path, "--force", "--json"))
    assert len(decode_spans(path.read_bytes())) == 10
    assert list(tmp_path.iterdir()) == [path]


def test_a_disk_without_room_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    limited = [
        "/bin/sh",
        "-c",
        'ulimit -f 8; exec "$@"',
        "sh",
        *command("--count", 10_000, "--output", tmp_path / "a.pb"),
    ]
    done = subprocess.run(limited, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "spanwire generate: File too large"
    assert not list(tmp_path.iterdir())


def test_stdout_has_the_spans_and_stderr_the_report(sink: Sink) -> None:
    done = subprocess.run(command("--count", 500, "--output", "-"), capture_output=True, check=True, timeout=100)
    assert post(sink, done.stdout).status == 200
    assert sink.span_count == 500
    assert b"written" in done.stderr


def test_a_rate_is_held_about(sink: Sink) -> None:
    said = report(generate("--rate", 2_000, "--duration", 2, "--endpoint", sink.http_endpoint, "--json"))
    # A busy machine may well fall behind; it may not run ahead.
    assert 0 < said["spans"] <= 2_000 * 2 + 400
    assert sink.span_count == said["spans"]
    assert said["requests"] >= 4, "small requests, not all in one"


def test_compression_and_headers_arrive(sink: Sink) -> None:
    arguments = (
        "--count",
        100,
        "--compression",
        "gzip",
        "--header",
        "x-tenant=shop",
        "--endpoint",
        sink.traces_endpoint,
    )
    report(generate(*arguments, "--json"))
    (request,) = sink.requests()
    assert request.headers["x-tenant"] == "shop"
    assert request.headers["content-encoding"] == "gzip"
    assert sink.span_count == 100


@pytest.mark.parametrize("processes", [1, 2])
def test_a_dead_endpoint_is_told_and_the_status_is_one(processes: int) -> None:
    with refusing() as port:
        done = generate("--endpoint", f"http://127.0.0.1:{port}", "--timeout", 2, "--processes", processes, "--json")
    said = report(done, status=1)
    assert said["delivered"] == 0 < said["spans"]
    assert said["latency_seconds"] is None
    assert "nothing was delivered" in done.stderr and "refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_a_backend_refuses_or_rejects_is_counted(sink: Sink) -> None:
    sink.inject(rejected=7, message="too old")
    done = generate("--count", 20_000, "--connections", 1, "--endpoint", sink.http_endpoint, "--json")
    said = report(done, status=1)
    assert said["lost"] == {"rejected": 7}
    assert said["delivered"] == sink.span_count == 20_000 - 7
    assert "7 spans were lost: " in done.stderr and "too old" in done.stderr


@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupt_ends_it_with_a_report(sink: Sink, processes: int) -> None:
    running = subprocess.Popen(
        command("--rate", 5_000, "--processes", processes, "--endpoint", sink.http_endpoint, "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with contextlib.closing(running.stdout), contextlib.closing(running.stderr):  # type: ignore[type-var]
        sink.wait_for(1_000, timeout=60)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    said = json.loads(out)
    assert said["interrupted"] is True
    assert said["delivered"] == said["spans"] == sink.span_count >= 1_000
    assert "Traceback" not in err


def test_people_are_told_rate_latency_and_seed(sink: Sink) -> None:
    done = generate("--count", 2_000, "--seed", 9, "--endpoint", sink.http_endpoint, NO_COLOR="1", COLUMNS="120")
    assert done.returncode == 0
    assert re.search(r"^spans +2,000 of \d+ bytes, in \d+ requests *$", done.stdout, re.MULTILINE)
    assert re.search(r"^rate +[\d,]+ spans/s for ", done.stdout, re.MULTILINE)
    assert re.search(r"^latency +a request p50 .+, p90 .+, p99 .+, max ", done.stdout, re.MULTILINE)
    assert re.search(r"^seed +9 *$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--start-time", "yesterday"), "'yesterday' is no time"),
        (("--start-time", "9999999999999999999999"), "out of range"),
        (("--endpoint", "localhost:4318"), "no http:// or https:// URL"),
        (("--header", "x-tenant"), "number 1 is no NAME=VALUE"),
        (("--processes", 2, "--output", "x.pb"), "one process"),
        (("--endpoint", "http://localhost", "--output", "x.pb"), "a file or to an endpoint"),
        (("--output", "x.pb.gz"), "neither compressed nor Parquet"),
        (("--error-rate", "1.5"), "--error-rate"),
        (("--depth", "0"), "--depth"),
    ],
)
def test_options_that_cannot_work_are_refused_with_a_reason(arguments: tuple[object, ...], said: str) -> None:
    done = generate("--count", 1, *arguments, NO_COLOR="1", COLUMNS="300")
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [("--output", "/no/such/folder/x.pb"), ("--certificate", "/no/such/ca.pem"), ("--header", "a b=c")]
)
def test_what_cannot_be_opened_or_sent_is_one_line(arguments: tuple[str, ...]) -> None:
    endpoint = () if arguments[0] == "--output" else ("--endpoint", "https://127.0.0.1:9")
    done = generate("--count", 1, *arguments, *endpoint)
    assert done.returncode == 1
    assert done.stderr.startswith("spanwire generate: ") and done.stderr.count("\n") == 1


def test_a_reader_that_goes_away_ends_it_in_one_line() -> None:
    running = subprocess.Popen(command("--output", "-"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert running.stdout is not None and running.stderr is not None
    running.stdout.read(100)
    running.stdout.close()
    with running.stderr:
        said = running.stderr.read().decode()
    assert running.wait(60) == 1
    assert said.splitlines()[-1] == "spanwire generate: Broken pipe"
    assert "Traceback" not in said and "ignored" not in said


def test_without_numpy_one_line_says_what_to_install() -> None:
    program = "import sys; sys.modules['numpy'] = None; sys.argv = ['spanwire', 'generate']; from spanwire.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "spanwire: this command needs numpy: pip install 'spanwire[cli,numpy]'\n"
