"""``spanwire.install()``: one line that sets up what the environment asks for; each test in a process of its own."""

import os

import pytest

from spanwire.sink import Sink
from tests.grpc_server import serve
from tests.processes import Ended, python

PRINT_AND_EXIT = """
from opentelemetry import trace
trace.get_tracer("app").start_span("span").end()
"""


def environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none", **variables}


def run(program: str, **variables: str) -> Ended:
    return python("-c", f"import os, spanwire\n{program}", status=None, environment=environment(**variables))


def test_one_line_and_spans_arrive() -> None:
    with Sink() as sink:
        done = run(f"spanwire.install()\n{PRINT_AND_EXIT}", OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint)
        assert (done.returncode, done.stderr) == (0, "")
        assert [span.name for span in sink.spans()] == ["span"]


@pytest.mark.parametrize(
    "variables, text",
    [
        (
            {"OTEL_TRACES_EXPORTER": "oltp"},
            (
                "RuntimeError: Requested component 'oltp' not found in entry point 'opentelemetry_traces_exporter'. "
                "Set OTEL_TRACES_EXPORTER to otlp"
            ),
        ),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/proto"},
            (
                "RuntimeError: Unsupported OTLP protocol 'http/proto' is configured. "
                "Set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf, http/json or grpc, or unset it"
            ),
        ),
    ],
)
def test_a_mistake_in_the_environment_is_one_line_behind_a_short_traceback(
    variables: dict[str, str], text: str
) -> None:
    done = run("spanwire.install()", **variables)
    *traceback, last = done.stderr.splitlines()
    assert last == text
    # Newer Pythons mark places in lines of their own.
    frames = [line for line in traceback if line.startswith("  File ")]
    assert len(frames) <= 5
    assert "During handling" not in done.stderr


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json", "grpc"])
def test_several_endpoints_by_a_keyword(protocol: str) -> None:
    with Sink() as gone, Sink() as sink:
        endpoints = [one.grpc_endpoint if protocol == "grpc" else one.traces_endpoint for one in (gone, sink)]
        gone.close()
        done = run(
            f"spanwire.install(protocol={protocol!r}, endpoints={endpoints!r}, balance='failover')\n{PRINT_AND_EXIT}",
            OTEL_EXPORTER_OTLP_ENDPOINT="http://localhost:1",
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert [span.name for span in sink.spans()] == ["span"]


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json", "grpc"])
def test_headers_that_change_by_a_keyword(protocol: str) -> None:
    with Sink() as sink:
        endpoint = sink.grpc_endpoint if protocol == "grpc" else sink.http_endpoint
        program = f"""
spanwire.install(protocol={protocol!r}, headers_provider=lambda: {{"x-key": "fresh"}}, headers_refresh=60)
{PRINT_AND_EXIT}"""
        done = run(program, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_EXPORTER_OTLP_HEADERS="x-key=old,x-other=kept")
        assert (done.returncode, done.stderr) == (0, "")
        (request,) = sink.requests()
        assert (request.headers["x-key"], request.headers["x-other"]) == ("fresh", "kept")


def test_a_provider_of_headers_that_cannot_be_called_is_a_clear_error() -> None:
    assert "ValueError: headers_provider= is of type str" in run("spanwire.install(headers_provider='x')").stderr


def test_keywords_of_exporters_stand_in_front_of_installs_endpoints() -> None:
    with Sink() as sink:
        program = f"""
from spanwire.exporter.http import OTLPSpanExporter
own = {{OTLPSpanExporter: {{"endpoints": [{sink.traces_endpoint!r}]}}}}
spanwire.install(endpoints=["http://localhost:1/"], exporter_args_map=own)
{PRINT_AND_EXIT}"""
        assert run(program).returncode == 0
        assert sink.span_count == 1


@pytest.mark.parametrize("keywords", ["endpoints=[]", "endpoints='http://a/'", "balance='failover'"])
def test_endpoints_that_cannot_work_are_a_clear_error(keywords: str) -> None:
    done = run(f"spanwire.install({keywords})")
    assert "ValueError: " in done.stderr and "endpoints=" in done.stderr


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
from spanwire._setup.configurator import Configurator
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


@pytest.mark.parametrize("of", ["spanwire", "opentelemetry.sdk"])
def test_the_switch_breaks_no_program_whose_provider_is_set_before(of: str) -> None:
    program = f"""
from opentelemetry import trace
from {of}.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
print(spanwire.install())
"""
    done = run(program, SPANWIRE_DISABLED="1")
    assert "traces: opentelemetry.sdk.trace.TracerProvider" in done.stdout, done.stderr


# As if no official exporter were installed.
UNINSTALLED = """
from opentelemetry.sdk import _configuration
upstream = _configuration.entry_points
_configuration.entry_points = lambda **keys: () if keys["name"].startswith("otlp") else upstream(**keys)
"""


@pytest.mark.parametrize("variables", [{}, {"OTEL_TRACES_EXPORTER": "otlp"}], ids=["unset", "set"])
def test_the_switch_needs_no_official_exporter(variables: dict[str, str]) -> None:
    with Sink() as sink:
        program = f"{UNINSTALLED}\nprint(spanwire.install())\n{PRINT_AND_EXIT}"
        done = run(program, SPANWIRE_DISABLED="1", OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint, **variables)
        assert "traces: opentelemetry.sdk.trace.TracerProvider" in done.stdout, done.stderr
        assert sink.span_count == 1


def test_after_a_call_that_failed_half_way_another_fails_too() -> None:
    program = """
for _ in range(2):
    try:
        spanwire.install()
    except (RuntimeError, ValueError) as error:
        print(type(error).__name__, error)
"""
    first, second = run(program, OTEL_EXPORTER_OTLP_ENDPOINT="http://u:hunter2@localhost:none").stdout.splitlines()
    assert first.startswith("ValueError the endpoint ")
    assert second.startswith("RuntimeError an earlier spanwire.install() has failed half way: ValueError(")
    assert "hunter" not in first + second


def test_after_a_call_that_set_nothing_another_may_succeed() -> None:
    program = """
try:
    spanwire.install(trace_exporter_names=["missing"])
except RuntimeError:
    print(spanwire.install(trace_exporter_names=["console"]))
"""
    assert "ConsoleSpanExporter" in run(program).stdout


def test_what_is_loaded_meanwhile_cannot_install_again() -> None:
    program = """
from opentelemetry.sdk import _configuration
class Point:
    def load(self):
        spanwire.install()
upstream = _configuration.entry_points
_configuration.entry_points = lambda **keys: [Point()] if keys["name"] == "mine" else upstream(**keys)
spanwire.install()
"""
    errors = run(program, OTEL_TRACES_EXPORTER="mine").stderr
    assert "RuntimeError: OpenTelemetry is being configured already" in errors


def test_a_child_forked_while_another_thread_installs_can_install() -> None:
    program = """
import threading
from opentelemetry.sdk import _configuration
inside, go_on = threading.Event(), threading.Event()
class Point:
    def load(self):
        if threading.current_thread() is not threading.main_thread():
            inside.set()
            go_on.wait(60)
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter
        return ConsoleSpanExporter
upstream = _configuration.entry_points
_configuration.entry_points = lambda **keys: [Point()] if keys["name"] == "mine" else upstream(**keys)
thread = threading.Thread(target=spanwire.install)
thread.start()
inside.wait(60)
child = os.fork()
if not child:
    os._exit(7 if "ConsoleSpanExporter" in str(spanwire.install()) else 1)
import signal
signal.alarm(50)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
go_on.set()
thread.join()
"""
    assert run(program, OTEL_TRACES_EXPORTER="mine").stdout == "7\n"


def test_one_exporter_by_two_names_sends_once() -> None:
    with Sink() as sink:
        program = f"spanwire.install(trace_exporter_names=['otlp_proto_http'])\n{PRINT_AND_EXIT}"
        run(program, OTEL_TRACES_EXPORTER="otlp", OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint)
        assert sink.span_count == 1


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
    assert (
        "TypeError: spanwire.install() does not know samler=; give sampler=" in run("spanwire.install(samler=1)").stderr
    )
    assert "does not know zzz=; give those of the installed SDK: auto_instr" in run("spanwire.install(zzz=1)").stderr
    assert (
        "give endpoints=[URL] or OTEL_EXPORTER_OTLP_ENDPOINT"
        in run("spanwire.install(endpoint='http://h:4318')").stderr
    )


def test_keywords_of_exporters_are_taken_where_the_sdk_has_no_such_keyword() -> None:
    with Sink() as sink:
        program = f"""
from opentelemetry.sdk import _configuration
from spanwire.exporter.http import OTLPSpanExporter
upstream = _configuration._initialize_components
def older(auto_instrumentation_version=None, trace_exporter_names=None, metric_exporter_names=None, log_exporter_names=None,
          sampler=None, resource_attributes=None, id_generator=None, setup_logging_handler=None):
    upstream(trace_exporter_names=trace_exporter_names)
_configuration._initialize_components = older
own = {{OTLPSpanExporter: {{"endpoint": {sink.traces_endpoint!r}}}}}
spanwire.install(exporter_args_map=own)
{PRINT_AND_EXIT}"""
        done = run(program)
        assert done.returncode == 0, done.stderr
        assert sink.span_count == 1


def test_what_it_assumes_is_not_left_in_the_environment() -> None:
    program = "spanwire.install(); print([name for name in os.environ if name.startswith('OTEL_')])"
    assert run(program).stdout == "['OTEL_METRICS_EXPORTER', 'OTEL_LOGS_EXPORTER']\n"


def test_an_empty_variable_is_left_empty() -> None:
    program = "spanwire.install(); print(repr(os.environ['OTEL_TRACES_EXPORTER']))"
    assert run(program, OTEL_TRACES_EXPORTER="").stdout == "''\n"


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


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
def test_the_protocol_may_be_a_keyword(protocol: str) -> None:
    with Sink() as sink:
        program = f"spanwire.install(protocol={protocol!r})\n{PRINT_AND_EXIT}"
        done = run(program, OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
        assert (done.returncode, done.stderr) == (0, "")
        kind = {"http/protobuf": "application/x-protobuf", "http/json": "application/json"}[protocol]
        assert [request.headers["content-type"] for request in sink.requests()] == [kind]


def test_grpc_may_be_a_keyword() -> None:
    program = f"print(spanwire.install(protocol='grpc'))\n{PRINT_AND_EXIT}"
    with serve() as server:
        done = run(program, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{server.target}")
        assert (done.returncode, done.stderr) == (0, "")
        assert f"spanwire.exporter.grpc.trace_exporter.OTLPSpanExporter to http://{server.target}" in done.stdout
    assert server.names() == ["span"]


def test_a_protocol_that_is_none_is_refused() -> None:
    assert "ValueError: protocol='smoke' is not known" in run("spanwire.install(protocol='smoke')").stderr
