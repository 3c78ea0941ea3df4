"""Without code: ``opentelemetry-instrument`` with our distro and configurator does what it does with the official ones."""

import json
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from spanwire.sink import ReceivedSpan, Sink
from tests import processes
from tests.grpc_server import serve
from tests.processes import Ended

INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")
OURS = {"OTEL_PYTHON_DISTRO": "spanwire", "OTEL_PYTHON_CONFIGURATOR": "spanwire"}
OFFICIAL = {
    "OTEL_PYTHON_DISTRO": "distro",
    "OTEL_PYTHON_CONFIGURATOR": "configurator",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    "OTEL_METRICS_EXPORTER": "none",
    "OTEL_LOGS_EXPORTER": "none",
}
# What only the SDK's own exporter would need: the newest SDK is what the distro of these tests is made for.
pytestmark = pytest.mark.skipif(
    not INSTRUMENT.exists(), reason="not applicable: opentelemetry-instrumentation is missing"
)

APP = """
import json
from opentelemetry import _logs, metrics, propagate, trace

tracer = trace.get_tracer("app", "2.0")
with tracer.start_as_current_span("outer", attributes={"a": [1, 2], "b": "x" * 30}) as outer:
    for number in range(6):
        outer.add_event(f"event {number}")
        outer.set_attribute(f"key {number}", number)
    with tracer.start_as_current_span("inner"):
        pass
provider = trace.get_tracer_provider()
sampler = getattr(provider, "sampler", None)
print(json.dumps({
    "sampler": sampler and sampler.get_description(),
    "resource": dict(getattr(getattr(provider, "resource", None), "attributes", {})),
    "propagators": sorted(propagate.get_global_textmap().fields),
    "processors": [type(one).__name__ for one in provider._active_span_processor._span_processors],
    "recording": outer.is_recording(),
    "metrics": type(metrics.get_meter_provider()).__name__,
    "logs": type(_logs.get_logger_provider()).__name__,
    "native": type(outer).__module__.startswith("spanwire"),
}))
"""

VARIABLES: dict[str, dict[str, str]] = {
    "nothing more": {},
    "ratio": {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.0"},
    "parent-based ratio": {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.0"},
    "always off": {"OTEL_TRACES_SAMPLER": "always_off"},
    "no such sampler": {"OTEL_TRACES_SAMPLER": "sometimes"},
    "resource": {"OTEL_RESOURCE_ATTRIBUTES": "a=1,b=%20x", "OTEL_SERVICE_NAME": "shop"},
    "limits": {
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "3",
        "OTEL_SPAN_EVENT_COUNT_LIMIT": "2",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "5",
    },
    "propagators": {"OTEL_PROPAGATORS": "baggage"},
    "batches": {"OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1"},
    # Spans go to the console behind what the program prints: not in a batch's time.
    "two exporters": {"OTEL_TRACES_EXPORTER": "otlp,console", "OTEL_BSP_SCHEDULE_DELAY": "3600000"},
    "by the official name": {"OTEL_TRACES_EXPORTER": "otlp_proto_http"},
    "none": {"OTEL_TRACES_EXPORTER": "none"},
    "disabled": {"OTEL_SDK_DISABLED": "true"},
    "generator": {"OTEL_PYTHON_ID_GENERATOR": "random"},
    "compression": {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"},
}


def run(variables: dict[str, str], tmp_path: Path, program: str = APP) -> Ended:
    """As users start it."""
    app = tmp_path / "app.py"
    app.write_text(program, encoding="utf-8")
    return started([str(INSTRUMENT), sys.executable, str(app)], variables)


def run_alone(program: str, *arguments: str, variables: dict[str, str]) -> Ended:
    return started([sys.executable, "-c", program, *arguments], variables)


def started(command: list[str], variables: dict[str, str]) -> Ended:
    return processes.run(command, status=None, variables=variables)


def said(done: Ended) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
    return answer


def content(span: ReceivedSpan) -> dict[str, Any]:
    """What of a span is the same in every process."""
    return {
        "name": span.name,
        "kind": span.kind,
        "attributes": span.attributes,
        "events": [(event.name, event.attributes) for event in span.events],
        "root": not span.parent_span_id,
        "scope": (span.scope_name, span.scope_version),
        "resource": {name: value for name, value in span.resource_attributes.items() if name != "service.instance.id"},
    }


@pytest.mark.parametrize("case", VARIABLES)
def test_it_is_as_with_the_official_distro(case: str, tmp_path: Path) -> None:
    answers, spans = [], []
    for distro in (OFFICIAL, OURS):
        with Sink() as sink:
            endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.http_endpoint}
            answers.append(said(run({**distro, **endpoint, **VARIABLES[case]}, tmp_path)))
            spans.append(sorted((content(span) for span in sink.spans()), key=lambda span: str(span["name"])))
    official, ours = answers
    assert (official.pop("native"), ours.pop("native")) == (False, case != "disabled")
    for answer in answers:
        answer["resource"].pop("service.instance.id", None)
    assert ours == official
    assert spans[1] == spans[0]
    assert len(spans[1]) == (0 if case in {"ratio", "always off", "none", "disabled"} else 2)


def test_switched_off_it_is_the_sdks(tmp_path: Path) -> None:
    with Sink() as sink:
        done = run({**OURS, "SPANWIRE_DISABLED": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": sink.http_endpoint}, tmp_path)
        assert not said(done)["native"]
        assert sink.span_count == 2


@pytest.mark.parametrize(
    "variables",
    [
        {"OTEL_TRACES_EXPORTER": "otlp_proto_grpc"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": " grpc "},
        {"OTEL_TRACES_EXPORTER": "spanwire_grpc"},
        {"OTEL_TRACES_EXPORTER": "spanwire", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
    ],
    ids=str,
)
def test_grpc_that_is_asked_for_is_ours(variables: dict[str, str], tmp_path: Path) -> None:
    with serve() as server:
        done = run({**OURS, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{server.target}", **variables}, tmp_path)
        assert done.returncode == 0, done.stderr
    assert server.names()
    assert server.calls[0].metadata["user-agent"].startswith("spanwire/")


@pytest.mark.parametrize(
    "variables",
    [{"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, {"OTEL_TRACES_EXPORTER": "spanwire_json"}],
    ids=str,
)
def test_json_that_is_asked_for_is_ours(variables: dict[str, str], tmp_path: Path) -> None:
    with Sink() as sink:
        done = run({**OURS, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.http_endpoint, **variables}, tmp_path)
        assert done.returncode == 0, done.stderr
        assert sink.span_count
        assert {request.headers["content-type"] for request in sink.requests()} == {"application/json"}


def test_a_protocol_that_is_none_is_the_sdks_error(tmp_path: Path) -> None:
    variables = {"OTEL_EXPORTER_OTLP_PROTOCOL": "carrier pigeon"}
    for distro in (OFFICIAL, OURS):
        errors = run({**distro, **variables}, tmp_path).stderr
        assert "RuntimeError: Unsupported OTLP protocol 'carrier pigeon' is configured" in errors


def test_an_exporter_that_is_missing_is_the_sdks_error(tmp_path: Path) -> None:
    texts = [run({**distro, "OTEL_TRACES_EXPORTER": "missing"}, tmp_path).stderr for distro in (OFFICIAL, OURS)]
    for text in texts:
        assert "Requested component 'missing' not found in entry point 'opentelemetry_traces_exporter'" in text


DECLARATIVE = """
file_format: "1.0"
resource:
  attributes:
    - name: service.name
      value: declared
tracer_provider:
  limits:
    event_count_limit: 2
  processors:
    - batch:
        schedule_delay: 100
        exporter:
          otlp_http:
            endpoint: {endpoint}
            compression: gzip
            headers:
              - name: x-team
                value: a b
"""


def test_a_declarative_configuration(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.configuration", reason="not applicable: opentelemetry-configuration is missing")
    file = tmp_path / "otel.yaml"
    answers, spans, headers = [], [], []
    for distro in (OFFICIAL, OURS):
        with Sink() as sink:
            file.write_text(DECLARATIVE.format(endpoint=sink.traces_endpoint), encoding="utf-8")
            answers.append(said(run({**distro, "OTEL_CONFIG_FILE": str(file)}, tmp_path)))
            spans.append(sorted((content(span) for span in sink.spans()), key=lambda span: str(span["name"])))
            headers.append({str(name).lower(): value for name, value in dict(sink.requests()[0].headers).items()})
    official, ours = answers
    assert (official.pop("native"), ours.pop("native")) == (False, True)
    for answer in answers:
        answer["resource"].pop("service.instance.id", None)
    assert ours == official
    assert spans[1] == spans[0]
    assert len(spans[1]) == 2
    assert len(spans[1][1]["events"]) == 2
    assert all((found["x-team"], found["content-encoding"]) == ("a b", "gzip") for found in headers)


UNKNOWN = """
import logging
logging.basicConfig()
from opentelemetry.configuration import _tracer_provider
del _tracer_provider._map_compression
from spanwire._setup.configurator import Configurator
Configurator().configure()
from opentelemetry import trace
print(type(trace.get_tracer_provider()).__module__)
"""


def test_a_release_of_the_declarative_configuration_that_we_do_not_know_gets_the_sdks_traces(tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.configuration", reason="not applicable: opentelemetry-configuration is missing")
    file = tmp_path / "otel.yaml"
    file.write_text(
        'file_format: "1.0"\ntracer_provider:\n  processors: [{simple: {exporter: {console: {}}}}]\n', encoding="utf-8"
    )
    done = run_alone(UNKNOWN, variables={"OTEL_CONFIG_FILE": str(file)})
    assert done.stdout == "opentelemetry.sdk.trace\n", done.stderr
    assert "this opentelemetry-configuration has no _map_compression" in done.stderr


CONFIGURED = """
import sys
from opentelemetry.sdk import _configuration
before = dict(vars(_configuration))
from spanwire._setup.configurator import Configurator
try:
    Configurator().configure(trace_exporter_names=[sys.argv[1]])
except RuntimeError as error:
    print(error)
print({name for name, value in vars(_configuration).items() if before.get(name) is not value})
"""


@pytest.mark.parametrize("exporter", ["console", "missing"])
def test_the_sdks_own_names_are_as_before_afterwards(exporter: str) -> None:
    done = run_alone(CONFIGURED, exporter, variables={})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "set()", done.stderr


def test_the_entry_points_are_there() -> None:
    for group in ("opentelemetry_distro", "opentelemetry_configurator"):
        (found,) = entry_points(group=group, name="spanwire")
        assert found.load()


NOT_ASKED_FOR = """
from spanwire.distro import Configurator, Distro
Distro().configure()
Configurator().configure()
from opentelemetry import trace
print(type(trace.get_tracer_provider()).__module__)
"""


@pytest.mark.parametrize(
    "variables,module",
    [
        ({}, "opentelemetry.sdk.trace"),
        (OURS, "spanwire.trace._provider"),
    ],
    ids=["nothing said", "ours"],
)
def test_who_did_not_ask_for_ours_gets_the_other_distro_that_is_installed(
    variables: dict[str, str], module: str
) -> None:
    exporters = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    done = run_alone(NOT_ASKED_FOR, variables={**exporters, **variables})
    assert done.stdout == f"{module}\n", done.stderr
