"""How users turn the exporter on: by name under auto-instrumentation, or in code; and what the end of a process delivers.

Each ending of a process is compared with the official exporter's: the same exit status and the same spans.
"""

import os
import signal
import socket
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink

INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")

APP = """
from opentelemetry import trace
tracer = trace.get_tracer("app", "2.0")
with tracer.start_as_current_span("outer") as outer:
    outer.set_attribute("ünïcode", "välue")
    with tracer.start_as_current_span("inner"):
        pass
print(type(trace.get_tracer_provider()).__name__)
"""

BATCHED = """
import atexit, os, signal, sys, threading, time
from importlib import import_module
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

exporter = import_module(sys.argv[1] + ".trace_exporter").OTLPSpanExporter(endpoint=sys.argv[2])
provider = TracerProvider(resource=Resource({"service.name": "batched"}))
provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=3_600_000))
trace.set_tracer_provider(provider)
for number in range(100):
    trace.get_tracer("app").start_span(f"span {number}").end()

is_ready = threading.Event()
def wait():
    print("ready", flush=True)
    is_ready.set()
    while True:
        time.sleep(60)
"""

# What the application does last; the signal it gets, if any; exit status; spans delivered.
ENDINGS: dict[str, tuple[str, int | None, int, int]] = {
    "returns": ("", None, 0, 100),
    "calls sys.exit": ("sys.exit(3)", None, 3, 100),
    "raises": ("sys.stderr = open(os.devnull, 'w'); raise ValueError", None, 1, 100),
    "calls os._exit": ("os._exit(4)", None, 4, 0),
    "shuts down itself": ("provider.shutdown(); provider.shutdown()", None, 0, 100),
    "flushes and is killed": ("provider.force_flush(); wait()", signal.SIGKILL, -signal.SIGKILL, 100),
    "gets SIGTERM": ("wait()", signal.SIGTERM, -signal.SIGTERM, 0),
    "gets SIGTERM and handles it": (
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5)); wait()",
        signal.SIGTERM,
        5,
        100,
    ),
    "gets Ctrl-C": ("sys.excepthook = lambda *_: None; wait()", signal.SIGINT, -signal.SIGINT, 100),
    "has a thread that goes on": ("threading.Thread(target=wait, daemon=True).start(); is_ready.wait()", None, 0, 100),
    "traces at exit": ("atexit.register(lambda: trace.get_tracer('late').start_span('late').end())", None, 0, 101),
    "exits by atexit order": ("atexit.register(provider.force_flush)", None, 0, 100),
}


def environment(**variables: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return {**clean, **variables}


def test_the_entry_point_is_the_exporter() -> None:
    (found,) = entry_points(group="opentelemetry_traces_exporter", name="spanwire")
    assert found.load() is OTLPSpanExporter


@pytest.mark.parametrize(
    "variables,expected_headers",
    [
        ({}, {"content-type": "application/x-protobuf"}),
        ({"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, {"content-encoding": "gzip"}),
        ({"OTEL_EXPORTER_OTLP_HEADERS": "x-team=a%20b,x-other=c"}, {"x-team": "a b", "x-other": "c"}),
    ],
    ids=["plain", "gzip", "headers"],
)
def test_auto_instrumentation_delivers_by_the_exporters_name(
    variables: dict[str, str], expected_headers: dict[str, str], tmp_path: Path
) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP, encoding="utf-8")
    with Sink() as sink:
        done = subprocess.run(
            [str(INSTRUMENT), sys.executable, str(app)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment(
                OTEL_PYTHON_DISTRO="distro",
                OTEL_PYTHON_CONFIGURATOR="configurator",
                OTEL_TRACES_EXPORTER="spanwire",
                OTEL_METRICS_EXPORTER="none",
                OTEL_LOGS_EXPORTER="none",
                OTEL_SERVICE_NAME="shop",
                OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint,
                **variables,
            ),
        )
        assert (done.returncode, done.stdout) == (0, "TracerProvider\n"), done.stderr
        spans = {span.name: span for span in sink.spans()}
        headers = _headers(sink.requests()[0])

    assert sorted(spans) == ["inner", "outer"]
    outer, inner = spans["outer"], spans["inner"]
    assert inner.parent_span_id == outer.span_id
    assert outer.attributes == {"ünïcode": "välue"}
    assert (outer.scope_name, outer.scope_version) == ("app", "2.0")
    assert outer.resource_attributes["service.name"] == "shop"
    assert expected_headers.items() <= headers.items()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("exporter", ["opentelemetry.exporter.otlp.proto.http", "spanwire.exporter.http"])
def test_the_end_of_a_process_delivers_what_it_does_with_the_official_exporter(exporter: str, ending: str) -> None:
    program, number, status, delivered = ENDINGS[ending]
    with Sink() as sink:
        process = subprocess.Popen(
            [sys.executable, "-c", f"{BATCHED}\n{program}", exporter, sink.traces_endpoint],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        try:
            if number is not None:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                process.send_signal(number)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        assert (process.returncode, sink.span_count) == (status, delivered), errors
        # An older SDK's processor exports once more after the shutdown; both exporters say so.
        assert errors.removesuffix("Exporter already shutdown, ignoring call\n") == ""


def test_a_backend_that_is_gone_delays_the_end_of_a_process_by_the_timeout_at_most() -> None:
    # The connection is refused at once, again and again, until the time is used up.
    with socket.socket() as nobody:  # has the port and does not listen
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1/traces"
        done = subprocess.run(
            [sys.executable, "-c", BATCHED, "spanwire.exporter.http", endpoint],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=environment(OTEL_EXPORTER_OTLP_TIMEOUT="1"),
        )
    assert done.returncode == 0
    assert done.stderr.count("are lost") == 1


def _headers(request: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in dict(request.headers).items()}
