"""``spanwire decode``: each way to show spans, and how it says what is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from typer.testing import CliRunner

from spanwire._native import decode_spans, traces_from_json, traces_to_json
from spanwire.cli import make_app
from tests.official_json import json_of
from tests.post import request


def full() -> Any:
    """A request with something in every field."""
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add(schema_url="https://schema/1")
    resource.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = resource.scope_spans.add()
    scope.scope.name, scope.scope.version = "lib", "1.0"
    span = scope.spans.add(
        trace_id=b"\x01" * 16,
        span_id=b"\x02" * 8,
        name="GET /\x1b[31m",
        kind=2,
        start_time_unix_nano=1_764_000_000_123_456_789,
        end_time_unix_nano=1_764_000_000_123_556_789,
        trace_state="a=b",
        flags=0x101,
    )
    span.attributes.add(key="float").value.double_value = float("nan")
    span.attributes.add(key="bytes").value.bytes_value = b"\xff"
    span.attributes.add(key="list").value.array_value.values.add(int_value=2**60)
    span.events.add(name="happened", time_unix_nano=1_764_000_000_123_456_999)
    span.links.add(trace_id=b"\x03" * 16, span_id=b"\x04" * 8)
    span.status.code, span.status.message = Status.STATUS_CODE_ERROR, "boom"
    scope.spans.add(trace_id=b"\x01" * 16, span_id=b"\x05" * 8, parent_span_id=b"\x02" * 8, name="query", kind=3)
    return message


def run(*arguments: str, data: bytes = b"", status: int = 0) -> Any:
    result = CliRunner().invoke(make_app(), ["decode", *arguments], input=data, env={"NO_COLOR": "1", "COLUMNS": "90"})
    assert result.exit_code == status, result.output
    return result


FULL = full().SerializeToString()


def test_traces_are_trees() -> None:
    out = run("-", data=FULL).stdout
    assert out.startswith(f"trace {'01' * 16}  2 spans")
    assert "shows" not in out and "\x1b" not in out, "a name cannot steer the terminal"
    assert "└─ query client" in out and "boom" in out and "happened" in out
    assert "happened" not in run("-", "--no-details", data=FULL).stdout


def test_json_is_one_document_of_all_requests() -> None:
    out = run("-", "--json", data=FULL + request(2)).stdout
    document = json.loads(out)
    expected = json_of(ExportTraceServiceRequest.FromString(FULL + request(2)))
    assert len(document["resourceSpans"]) == len(expected["resourceSpans"]) == 2
    assert len(decode_spans(traces_from_json(out.encode()))) == 4
    assert json.loads(run("-", "--json").stdout) == {}


def test_lines_have_a_span_each() -> None:
    lines = [json.loads(line) for line in run("-", "--lines", data=FULL).stdout.splitlines()]
    assert lines[0] == {
        "trace_id": "01" * 16,
        "span_id": "02" * 8,
        "trace_state": "a=b",
        "flags": 0x101,
        "name": "GET /\x1b[31m",
        "kind": "server",
        "start": "2025-11-24T16:00:00.123456789Z",
        "end": "2025-11-24T16:00:00.123556789Z",
        "duration_ns": 100_000,
        "status": "error",
        "status_message": "boom",
        "attributes": {"float": "NaN", "bytes": "/w==", "list": [2**60]},
        "events": [{"name": "happened", "time": "2025-11-24T16:00:00.123456999Z", "attributes": {}}],
        "links": [{"trace_id": "03" * 16, "span_id": "04" * 8, "attributes": {}}],
        "resource": {"service.name": "shop"},
        "resource_schema_url": "https://schema/1",
        "scope": "lib",
        "scope_version": "1.0",
    }
    assert lines[1]["parent_span_id"] == "02" * 8


@pytest.mark.parametrize("options", [["--lines"], ["--stats", "--json"]])
def test_json_for_programs_does_not_steer_the_terminal_either(options: list[str]) -> None:
    message = full()
    name = "a\x7f\x80\x9b31m\u2028\u202e\U000e0001é☃\n"
    message.resource_spans[0].scope_spans[0].spans[0].name = name
    out = run("-", *options, data=message.SerializeToString()).stdout
    assert all(char.isprintable() or char == "\n" for char in out)
    assert "\\u009b31m" in out and "é☃" in out
    lines = [out] if "--stats" in options else out.splitlines()
    document = json.loads(lines[0])
    assert name in (document["names"] if "--stats" in options else [document["name"]])


def test_stats_count_everything() -> None:
    counts = json.loads(run("-", "--stats", "--json", data=FULL + request(3)).stdout)
    sizes = sorted(len(span.serialized) for span in decode_spans(FULL + request(3)))
    assert counts["format"] == "protobuf" and counts["compressions"] == []
    assert [counts[key] for key in ("spans", "traces", "roots", "errors", "events", "links", "attributes")] == [
        5, 1, 4, 1, 1, 1, 3,
    ]  # fmt: skip
    assert counts["bytes"] == sum(sizes)
    assert counts["span_bytes"] == {"p50": sizes[2], "p99": sizes[-1], "max": sizes[-1]}
    assert counts["services"] == {"": 3, "shop": 2}
    assert counts["names"]["query"] == {"spans": 1, "errors": 0}
    assert counts["kinds"] == {"unspecified": 3, "server": 1, "client": 1}
    assert counts["statuses"] == {"unset": 4, "error": 1}
    assert counts["attribute_keys"] == {"bytes": 1, "float": 1, "list": 1}
    assert counts["last"] == "2025-11-24T16:00:00.123556789Z"


def test_stats_are_tables_for_people() -> None:
    out = run("-", "--stats", "--top", "2", data=FULL + request(3)).stdout
    assert "5 spans in 1 traces, 1 failed; 4 roots" in out
    assert "and 1 more" in out and "(none)" in out and "\x1b" not in out
    assert "0 spans in 0 traces" in run("-", "--stats").stdout


@pytest.mark.parametrize("option", ["--lines", "--json", "--stats", "--details"])
def test_a_break_is_told_after_all_that_is_whole(option: str) -> None:
    body = request(3)
    result = run("-", option, data=body[:-3], status=1)
    assert result.stderr == (
        f"spanwire decode: standard input: broken at byte {len(body) - 3}: "
        "the data ends inside a message, 3 bytes before its end\n"
    )
    assert ("span 1" in result.stdout, "span 2" in result.stdout) == (True, False)
    if option == "--json":
        assert len(decode_spans(traces_from_json(result.stdout.encode()))) == 2


def test_a_wrong_guess_can_be_put_right(tmp_path: Path) -> None:
    path = tmp_path / "spans"
    path.write_bytes(traces_to_json(FULL))
    assert "query" in run(str(path), "--format", "jsonl").stdout
    result = run(str(path), "--format", "protobuf", status=1)
    assert result.stderr.startswith(f"spanwire decode: {path}: broken at byte 0: ")


def test_what_cannot_be_done_is_said_in_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    assert run(str(missing), status=1).stderr == f"spanwire decode: {missing}: No such file or directory\n"
    assert "--lines goes with" in run("-", "--lines", "--stats", status=2).stderr
    assert "no OTLP traces begin like this" in run("-", data=b"hello", status=1).stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("decode FILE >&-", "decode: standard output: it is closed"),
        ("decode FILE --lines >&-", "decode: standard output: it is closed"),
        ("decode - <&-", "decode: standard input: it is closed"),
        ("convert FILE - >&-", "convert: standard output: it is closed"),
    ],
)
def test_streams_that_are_closed_are_told_in_one_line(command: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "spans.pb"
    path.write_bytes(FULL)
    script = '"$PYTHON" -m spanwire ' + command.replace("FILE", f"'{path}'")
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHON": sys.executable},
    )
    assert (done.returncode, done.stderr) == (1, f"spanwire {said}\n")


@pytest.mark.parametrize("data", [b"", b"{}", b'{"resourceMetrics":[{"scopeMetrics":[]}]}'])
def test_a_file_without_spans_says_so(data: bytes) -> None:
    result = run("-", data=data)
    assert (result.stdout, result.stderr) == ("", "spanwire decode: no spans in standard input\n")
