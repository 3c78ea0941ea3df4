"""``spanwire.install()``: one line that sets up what the environment asks for; each test in a process of its own."""

import os
import signal
import subprocess
import sys
import time

import pytest

from spanwire.sink import Fault, Sink

PRINT_AND_EXIT = """
from opentelemetry import trace
trace.get_tracer("app").start_span("span").end()
"""


def environment(**variables: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "SPANWIRE_"))}
    return {**clean, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", **variables}


def run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import os, spanwire\n{program}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(**variables),
    )


def test_one_line_and_spans_arrive() -> None:
    with Sink() as sink:
        done = run(f"spanwire.install()\n{PRINT_AND_EXIT}", OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint)
        assert (done.returncode, done.stderr) == (0, "")
        assert [span.name for span in sink.spans()] == ["span"]


def test_tracers_that_were_taken_before_are_shortcut() -> None:
    program = """
from opentelemetry import trace
tracer = trace.get_tracer("early")
spanwire.install()
for _ in range(2):
    with tracer.start_as_current_span("span"):
        pass
print("start_as_current_span" in vars(tracer))
"""
    with Sink() as sink:
        assert run(program, OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint).stdout == "True\n"
        assert sink.span_count == 2


def test_again_it_answers_the_same_and_changes_nothing() -> None:
    program = """
from opentelemetry import trace
first = spanwire.install()
provider = trace.get_tracer_provider()
assert spanwire.install(sampler="ignored") is first
assert trace.get_tracer_provider() is provider is first.tracer_provider
print(len(provider._active_span_processor._span_processors))
"""
    assert run(program, OTEL_EXPORTER_OTLP_ENDPOINT="http://localhost:1").stdout == "1\n"


def test_after_the_configurator_it_only_answers() -> None:
    program = """
from opentelemetry import trace
from spanwire._configurator import Configurator
Configurator().configure()
provider = trace.get_tracer_provider()
print(spanwire.install().tracer_provider is provider)
"""
    assert run(program).stdout == "True\n"


def test_another_provider_that_is_set_is_a_clear_error() -> None:
    program = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
spanwire.install()
"""
    errors = run(program).stderr.strip().splitlines()[-1]
    assert errors == (
        "RuntimeError: a TracerProvider is set already (opentelemetry.sdk.trace.TracerProvider): call spanwire.install() "
        "before, or instead of, trace.set_tracer_provider()"
    )


def test_overrides_are_the_sdks_keywords() -> None:
    program = """
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry import trace
print(spanwire.install(sampler=ALWAYS_OFF, resource_attributes={"service.name": "shop"}, trace_exporter_names=["console"]))
"""
    lines = run(program).stdout.splitlines()
    assert "  sampler: AlwaysOffSampler" in lines
    assert "  service: shop" in lines
    assert [line for line in lines if "Exporter" in line] == [
        "  BatchSpanProcessor: opentelemetry.sdk.trace.export.ConsoleSpanExporter"
    ]


def test_a_keyword_that_nobody_knows_is_a_type_error() -> None:
    assert "TypeError" in run("spanwire.install(samler=1)").stderr


def test_what_it_assumes_is_not_left_in_the_environment() -> None:
    program = "spanwire.install(); print([name for name in os.environ if name.startswith('OTEL_')])"
    assert run(program).stdout == "['OTEL_METRICS_EXPORTER', 'OTEL_LOGS_EXPORTER']\n"


def test_the_report_names_the_destination_and_no_secret() -> None:
    done = run(
        "print(spanwire.install(flush_on_sigterm=2.5))",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://user:hunter2@backend.example:4318",
        OTEL_EXPORTER_OTLP_HEADERS="authorization=hunter3",
        OTEL_SERVICE_NAME="shop",
    )
    assert "native spans, clock " in done.stdout
    assert "  service: shop\n" in done.stdout
    assert "OTLPSpanExporter to http://backend.example:4318/v1/traces" in done.stdout
    assert "SIGTERM: flushes for 2.5 s at most, then as before" in done.stdout
    assert "hunter" not in done.stdout + done.stderr


@pytest.mark.parametrize("name,value", [("SPANWIRE_DISABLED", "1"), ("OTEL_SDK_DISABLED", "true")])
def test_switched_off(name: str, value: str) -> None:
    program = f"{PRINT_AND_EXIT.strip()}\nprint(spanwire.install(trace_exporter_names=['console']))"
    done = run(f"installation = spanwire.install\n{program}", **{name: value})
    assert done.returncode == 0, done.stderr
    expected = "traces: opentelemetry.sdk.trace.TracerProvider" if name == "SPANWIRE_DISABLED" else "OTEL_SDK_DISABLED"
    assert expected in done.stdout


def test_flush_and_shutdown() -> None:
    program = f"""
installation = spanwire.install()
{PRINT_AND_EXIT}
assert installation.force_flush()
assert installation.force_flush(1)
print("flushed", flush=True)
{PRINT_AND_EXIT}
installation.shutdown()
installation.shutdown()
os._exit(0)
"""
    with Sink() as sink:
        done = run(program, OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint)
        assert (done.returncode, done.stdout) == (0, "flushed\n"), done.stderr
        assert sink.span_count == 2


# What SIGTERM did before; how the process ends then; what it says.
BEFORE: dict[str, tuple[str, int, str]] = {
    "default": ("", -signal.SIGTERM, ""),
    "ignored": ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", 0, "went on\n"),
    "handled": ("signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number + 1))", 16, ""),
}
WAIT = f"""
import signal, sys, time
{{before}}
spanwire.install(flush_on_sigterm={{seconds}})
{PRINT_AND_EXIT}
print("ready", flush=True)
time.sleep(1 if {{goes_on}} else 30)
print("went on")
sys.stdout.flush()
os._exit(0)
"""


def terminated(before: str, seconds: object, endpoint: str, goes_on: bool = False) -> tuple[int, str, float]:
    """Status, output and seconds from the signal to the end of a process that gets SIGTERM with a span in its queue."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"import os, spanwire\n{WAIT.format(before=before, seconds=seconds, goes_on=goes_on)}"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="3600000"),
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, output, time.monotonic() - began


@pytest.mark.parametrize("case", BEFORE)
def test_sigterm_flushes_and_then_does_what_it_did_before(case: str) -> None:
    before, status, output = BEFORE[case]
    with Sink() as sink:
        ended = terminated(before, True, sink.http_endpoint, goes_on=case == "ignored")
        assert (ended[:2], sink.span_count) == ((status, output), 1)


def test_without_it_sigterm_loses_what_waits_as_with_the_sdk() -> None:
    with Sink() as sink:
        assert (terminated("", False, sink.http_endpoint)[0], sink.span_count) == (-signal.SIGTERM, 0)


def test_a_backend_that_hangs_delays_sigterm_by_its_seconds_only() -> None:
    with Sink() as sink:
        sink.schedule([Fault(delay=30)])
        status, _, seconds = terminated("", 1, sink.http_endpoint)
    assert status == -signal.SIGTERM
    assert 0.9 < seconds < 15


def test_outside_the_main_thread_it_is_a_clear_error() -> None:
    program = """
import threading
def work():
    try:
        spanwire.install(flush_on_sigterm=True)
    except ValueError as error:
        print(error)
thread = threading.Thread(target=work)
thread.start()
thread.join()
from opentelemetry import trace
print(trace._TRACER_PROVIDER)
"""
    assert run(program).stdout == (
        "flush_on_sigterm works in the main thread only, as Python's signal handlers do\nNone\n"
    )
