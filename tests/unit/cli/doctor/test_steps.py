"""What the steps that ask nobody say: versions, set-up, variables, configuration."""

import importlib
import os
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from typing import Any

import pytest

from spanwire import distro
from spanwire._settings import SETTINGS
from spanwire.cli._doctor import _text
from spanwire.cli._doctor._context import Context, Target
from spanwire.cli._doctor._model import Report, Step
from spanwire.cli._doctor.steps import configuration, setup, tls, variables, versions


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(("OTEL", "SPANWIRE")) or name.upper().endswith(("_PROXY", "_CA_BUNDLE")):
            monkeypatch.delenv(name)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says which entry points there are, as ``group=[names]``."""

    def say(**names: list[str]) -> None:
        def found(*, group: str, name: str | None = None) -> EntryPoints:
            all_of_them = [EntryPoint(one, "nowhere:X", group) for one in {**STOCK, **names}.get(group, [])]
            return EntryPoints(one for one in all_of_them if name in (None, one.name))

        monkeypatch.setattr(setup, "entry_points", found)

    return say


def looked(module: Any, environment: dict[str, str] | None = None, **options: Any) -> tuple[Step, Context]:
    context = Context(environment=environment or {}, **options)
    step = Step(module.__name__.rpartition(".")[2])
    module.check(context, step)
    return step, context


def codes(step: Step, *levels: str) -> set[str]:
    return {one.code for one in step.findings if one.level in (levels or ("warning", "failed"))}


# What comes with the SDK.
STOCK = {
    "opentelemetry_traces_exporter": ["console", "spanwire"],
    "opentelemetry_metrics_exporter": ["console"],
    "opentelemetry_logs_exporter": ["console"],
    "opentelemetry_id_generator": ["random"],
    "opentelemetry_propagator": ["baggage", "tracecontext"],
    "opentelemetry_tracer_provider": ["sdk_tracer_provider", "default_tracer_provider"],
}
BOTH = {"opentelemetry_distro": ["spanwire", "distro"], "opentelemetry_configurator": ["spanwire", "configurator"]}
OURS = {"opentelemetry_distro": ["spanwire"], "opentelemetry_configurator": ["spanwire"]}
ASKED = {"OTEL_PYTHON_DISTRO": "spanwire", "OTEL_PYTHON_CONFIGURATOR": "spanwire"}


@pytest.mark.parametrize(
    ("there", "environment", "expected"),
    [
        (OURS, {}, set()),
        (OURS, ASKED, set()),
        (BOTH, ASKED, set()),
        (BOTH, {}, {"setup.other_taken"}),
        (BOTH, {"OTEL_PYTHON_CONFIGURATOR": "spanwire"}, {"setup.other_taken"}),
        (BOTH, {**ASKED, "OTEL_PYTHON_CONFIGURATOR": "configurator"}, {"setup.exporter_official"}),
        (
            BOTH,
            {**ASKED, "OTEL_PYTHON_CONFIGURATOR": "configurator", "OTEL_TRACES_EXPORTER": "spanwire"},
            set(),
        ),
        (OURS, {"OTEL_PYTHON_DISTRO": "spanwir"}, {"setup.distro_missing"}),
        (OURS, {"OTEL_PYTHON_CONFIGURATOR": ""}, {"setup.configurator_missing"}),
        (OURS, {"OTEL_SDK_DISABLED": " True"}, {"setup.sdk_disabled"}),
        (OURS, {"OTEL_SDK_DISABLED": "1"}, set()),  # the SDK knows true only
        (OURS, {"SPANWIRE_DISABLED": "1"}, {"setup.spanwire_disabled"}),
        (OURS, {"OTEL_TRACES_EXPORTER": "none"}, {"setup.exporter_none"}),
        (OURS, {"OTEL_TRACES_EXPORTER": "console"}, {"setup.exporter_foreign"}),
        (OURS, {"OTEL_TRACES_EXPORTER": "spanwire_json"}, set()),
        (OURS, {"OTEL_TRACES_EXPORTER": "spanwire_grpc"}, set()),
        (OURS, {"OTEL_TRACES_EXPORTER": "console,otlp"}, set()),
        (OURS, {"OTEL_TRACES_EXPORTER": "otlp,nope"}, {"setup.component"}),
        (OURS, {"OTEL_TRACES_EXPORTER": "none,otlp"}, {"setup.component"}),
        (OURS, {"OTEL_TRACES_EXPORTER": "OTLP"}, {"setup.component"}),
        (OURS, {"OTEL_TRACES_EXPORTER": "otlp,"}, {"setup.component"}),
        (OURS, {"OTEL_TRACES_EXPORTER": " None "}, {"setup.exporter_none"}),
        (OURS, {"OTEL_METRICS_EXPORTER": "nope"}, {"setup.component"}),
        (OURS, {"OTEL_LOGS_EXPORTER": "console,nope"}, {"setup.component"}),
        (OURS, {"OTEL_METRICS_EXPORTER": "otlp"}, {"setup.component"}),  # no exporter of metrics is installed
        (OURS, {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "console"}, set()),
        (OURS, {"OTEL_PYTHON_ID_GENERATOR": "nope"}, {"setup.component"}),
        (OURS, {"OTEL_PYTHON_ID_GENERATOR": "random "}, set()),
        (OURS, {"OTEL_PROPAGATORS": "nonsense"}, {"setup.component"}),
        (OURS, {"OTEL_PROPAGATORS": "TraceContext"}, {"setup.component"}),
        (OURS, {"OTEL_PROPAGATORS": "tracecontext, baggage"}, set()),
        (OURS, {"OTEL_PROPAGATORS": "None,nonsense"}, set()),
        (OURS, {"OTEL_PYTHON_TRACER_PROVIDER": "nope"}, {"setup.tracer_provider"}),
        (OURS, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, set()),
        (OURS, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}, set()),
        (OURS, {"OTEL_TRACES_EXPORTER": "otlp_proto_grpc"}, set()),
        (OURS, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, set()),
        (OURS, {"OTEL_EXPORTER_OTLP_PROTOCOL": "carrier pigeon"}, {"setup.protocol"}),
        (OURS, {"OTEL_TRACES_SAMPLER": "always_off"}, {"setup.sampler_off"}),
        (OURS, {"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, {"setup.sampler_off"}),
        (OURS, {"OTEL_TRACES_SAMPLER": "allways_on"}, {"setup.sampler_unknown"}),
        (OURS, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}, {"setup.sampler_zero"}),
        (OURS, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "10%"}, {"setup.sampler_ratio"}),
        (OURS, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "1.5"}, {"setup.sampler_ratio"}),
        (OURS, {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}, set()),
        (OURS, {"OTEL_CONFIG_FILE": "x.yaml"}, {"setup.config_file"}),
    ],
)
def test_who_sets_up_what(
    there: dict[str, list[str]], environment: dict[str, str], expected: set[str], installed: Callable[..., None]
) -> None:
    installed(**there)
    step, _ = looked(setup, environment)
    assert codes(step) == expected, step.findings
    for finding in step.findings:
        assert finding.level == "ok" or finding.cure, finding


@pytest.mark.parametrize(
    ("environment", "is_failed"),
    [
        ({"OTEL_TRACES_EXPORTER": "none"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp,nope"}, True),
        ({"OTEL_METRICS_EXPORTER": "nope"}, True),
        ({"OTEL_TRACES_SAMPLER": "parentbased_always_off"}, False),
    ],
)
def test_what_keeps_every_span_from_being_sent_fails(
    environment: dict[str, str], is_failed: bool, installed: Callable[..., None]
) -> None:
    installed(**OURS)
    step, context = looked(setup, environment)
    assert (step.outcome == "failed") == is_failed == bool(context.is_off)


@pytest.mark.parametrize(
    ("configurator", "exporters", "level"),
    [("spanwire", [], "ok"), ("configurator", ["otlp_proto_grpc"], "warning"), ("configurator", [], "failed")],
)
def test_grpc_is_ours_under_our_configurator(
    configurator: str, exporters: list[str], level: str, installed: Callable[..., None]
) -> None:
    installed(**BOTH, opentelemetry_traces_exporter=["console", "spanwire", "otlp_proto_grpc", *exporters])
    if not exporters:
        installed(**BOTH)
    step, _ = looked(setup, {**ASKED, "OTEL_PYTHON_CONFIGURATOR": configurator, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    if level == "ok":
        assert any("OTLP over gRPC" in one.text for one in step.findings) and not codes(step, "warning", "failed")
    else:
        assert {"setup.grpc", "setup.component"} & codes(step, level)


@pytest.mark.parametrize("name", ["otlp,nope", "none,otlp", "OTLP", "otlp,", "otlp", "console", " None "])
def test_exporters_are_missing_where_the_sdk_finds_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.sdk import _configuration

    from spanwire._setup.configurator import _native_traces, _replaced

    monkeypatch.setenv("OTEL_TRACES_EXPORTER", name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")  # as the distro sets it
    with _replaced(_native_traces({})):
        try:
            _configuration._import_exporters(_configuration._get_exporter_names("traces"), [], [])
            is_missing = False
        except RuntimeError:
            is_missing = True
    step, _ = looked(setup, dict(os.environ))
    assert ("setup.component" in codes(step, "failed")) == is_missing


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "nothing is in the way (no test span was sent)"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "elsewhere (console), with 1 warning"),
        ({"OTEL_CONFIG_FILE": "x.yaml"}, "elsewhere (as OTEL_CONFIG_FILE says), with 1 warning"),
    ],
)
def test_spans_are_not_said_to_arrive_where_the_program_sends_none(
    environment: dict[str, str], expected: str, installed: Callable[..., None]
) -> None:
    installed(**OURS, opentelemetry_traces_exporter=["console", "spanwire", "otlp_proto_grpc"])
    step, context = looked(setup, environment)
    sent = Step("span")
    sent.ok("taken", "taken")
    assert Report("1", "", [step], context.other).summary.endswith(expected)
    assert Report("1", "", [step, sent], context.other).summary.startswith(
        "the test span arrives; the program sends elsewhere" if environment else "spans arrive"
    )


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("OTEL_EXPORTER_OTLP_HEADER", "OTEL_EXPORTER_OTLP_HEADERS"),
        ("OTEL_EXPORTER_OTLP_TRACE_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ("OTEL_EXPORTER_OLTP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("OTEL_TRACE_EXPORTER", "OTEL_TRACES_EXPORTER"),
        ("OTEL_SERVICENAME", "OTEL_SERVICE_NAME"),
        ("otel_service_name", "OTEL_SERVICE_NAME"),
        ("SPANWIRE_DISABLE", "SPANWIRE_DISABLED"),
        ("OTEL_RESOURCE_ATTRIBUTE", "OTEL_RESOURCE_ATTRIBUTES"),
    ],
)
def test_slips_are_noticed_and_their_values_are_not_shown(wrong: str, meant: str) -> None:
    step, _ = looked(variables, {wrong: "hunter2"})
    assert codes(step, "warning") == {"variables.misspelt"}
    assert meant in step.findings[0].text and "hunter2" not in str(step)


def test_variables_of_instrumentations_are_no_slips() -> None:
    # Those that the instrumentations of opentelemetry-python-contrib read.
    names = """OTEL_PYTHON_DJANGO_INSTRUMENT OTEL_PYTHON_DJANGO_EXCLUDED_URLS OTEL_PYTHON_EXCLUDED_URLS
        OTEL_PYTHON_FLASK_EXCLUDED_URLS OTEL_PYTHON_FASTAPI_EXCLUDED_URLS OTEL_PYTHON_REQUESTS_EXCLUDED_URLS
        OTEL_PYTHON_LOG_CORRELATION OTEL_PYTHON_LOG_FORMAT OTEL_PYTHON_LOG_LEVEL
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_RESPONSE
        OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS
        OTEL_PYTHON_TORNADO_EXCLUDED_URLS OTEL_PYTHON_STARLETTE_EXCLUDED_URLS OTEL_PYTHON_AIOHTTP_EXCLUDED_URLS
        OTEL_PYTHON_DJANGO_TRACED_REQUEST_ATTRS OTEL_PYTHON_GRPC_EXCLUDED_SERVICES OTEL_GO_X OTEL_NODE_RESOURCE_DETECTORS"""
    step, _ = looked(variables, dict.fromkeys(names.split(), "x"))
    assert codes(step) == set()
    assert len(step.details["others"]) == len(names.split())


def test_every_known_variable_is_no_slip() -> None:
    names = {name for setting in SETTINGS for name in setting.variables}
    assert variables.misspelt(names, names) == {}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318/v1/traces"}, {"variables.path_twice"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318/otlp/v1/traces/"}, {"variables.path_twice"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318/otlp"}, set()),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h:4318"}, {"variables.path_missing"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h:4318/"}, {"variables.path_missing"}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h:4318/v1/traces"}, set()),
        ({"OTEL_EXPORTER_OTLP_COMPRESSION": "zstd"}, {"variables.compression"}),
    ],
)
def test_mistaken_paths_and_compressions(environment: dict[str, str], expected: set[str]) -> None:
    step, _ = looked(variables, environment)
    assert codes(step) == expected


def configured(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], **options: Any) -> tuple[Step, Context]:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    step, context = looked(configuration, dict(os.environ), **options)
    context.close()
    return step, context


def by_name(step: Step) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in step.details["settings"]}


def test_values_and_where_they_are_from(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://bob:hunter2@localhost:1/base/",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "3",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "4",
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=hunter2",
    }
    step, context = configured(monkeypatch, environment)
    found = by_name(step)
    assert codes(step) == set()
    assert found["OTEL_EXPORTER_OTLP_ENDPOINT"]["value"] == "http://***@localhost:1/base/v1/traces"
    assert found["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"]["value"] == "3"
    assert "OTEL_EXPORTER_OTLP_TIMEOUT" not in found
    assert found["OTEL_EXPORTER_OTLP_HEADERS"]["value"] == "x-key=***"
    assert found["OTEL_EXPORTER_OTLP_COMPRESSION"]["source"] == "default"
    assert found["OTEL_SERVICE_NAME"] == {
        "name": "OTEL_SERVICE_NAME",
        "topic": "resource",
        "value": "shop",
        "unit": "",
        "source": "variable",
        "from": "OTEL_SERVICE_NAME",
        "variables": ["OTEL_SERVICE_NAME"],
        "said": "",
    }
    assert context.target == Target("http", "localhost", 1, "/base/v1/traces")
    assert "hunter2" not in str(step)


@pytest.mark.parametrize(
    ("variable", "said", "value", "source"),
    [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "abc", "10", "default"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "-1", "10", "default"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "lzma", "none", "default"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "X-Key=***,broken=***", "x-key=***", "variable"),
    ],
)
def test_what_is_used_is_shown_and_what_was_said_in_its_place(
    variable: str, said: str, value: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, _ = configured(monkeypatch, {variable: said.replace("***", "hunter2").replace("broken=", "broken=;")})
    found = next(one for one in step.details["settings"] if variable in one["variables"])
    assert (found["value"], found["said"], found["source"]) == (value, said, source)
    report = Report("1", "", [step])
    assert any(f"in the place of {said}" in line for line in _text.lines(report))


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "3.0"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", " GZIP"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "user-agent=***,x-key=***"),
    ],
)
def test_what_is_taken_is_shown_as_it_was_said(variable: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    step, _ = configured(monkeypatch, {variable: said.replace("***", "hunter2")})
    found = next(one for one in step.details["settings"] if variable in one["variables"])
    assert (sorted(found["value"].split(",")), found["said"], found["source"]) == (said.split(","), "", "variable")


def test_all_of_them_are_shown_where_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    few, _ = configured(monkeypatch, {"OTEL_SERVICE_NAME": "shop"})
    every, _ = configured(monkeypatch, {}, show_all=True)
    assert len(by_name(few)) < 20
    shown = {name for one in every.details["settings"] for name in one["variables"]}
    assert shown == {name for setting in SETTINGS if setting.topic != "build" for name in setting.variables}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}, {"configuration.exporter"}),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://h", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/no.pem"},
            {"configuration.exporter"},
        ),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317"}, {"configuration.port"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1", "OTEL_EXPORTER_OTLP_HEADERS": "a=b"}, {"configuration.plain"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1", "http_proxy": "http://p:1"}, set()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1", "ALL_PROXY": "socks5://p:1"}, {"configuration.exporter"}),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:1", "http_proxy": "socks5://p:1", "no_proxy": "h"}, set()),
        ({"OTEL_SPAN_LINK_COUNT_LIMIT": "many"}, {"configuration.tracing"}),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "-1"}, {"configuration.tracing"}),
        ({"SPANWIRE_CLOCK": "sundial"}, {"configuration.tracing"}),
        ({"OTEL_SERVICE_NAME": ""}, {"configuration.service"}),
        ({"OTEL_SERVICE_NAME": "", "OTEL_RESOURCE_ATTRIBUTES": "service.name=x"}, set()),
    ],
)
def test_what_cannot_work_or_is_no_good(
    environment: dict[str, str], expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    step, _ = configured(monkeypatch, {"OTEL_SERVICE_NAME": "shop", **environment})
    assert codes(step) == expected, step.findings


def test_what_the_exporter_logs_is_a_finding_and_goes_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from spanwire._telemetry import log

    monkeypatch.setattr(log, "_last", {})
    step, _ = configured(monkeypatch, {"OTEL_SERVICE_NAME": "a", "OTEL_EXPORTER_OTLP_TIMEOUT": "soon"})
    assert codes(step, "warning") == {"configuration.said"}
    assert "soon" in step.findings[0].text
    assert not caplog.records


def loaded(variable: str, load: Callable[[], Any], ours: type) -> str:
    """The name of what opentelemetry-instrument really takes."""
    taken = load()
    if type(taken) is ours:
        other = distro._other(f"opentelemetry_{variable.rpartition('_')[2].lower()}", variable)
        return "spanwire" if other is None else other.name
    return next((one.name for one in entry_points(group="opentelemetry_distro") if one.load() is type(taken)), "")


@pytest.mark.parametrize("wanted", [None, "spanwire", "distro", "nobody", ""])
def test_the_distro_is_the_one_that_the_loader_takes(wanted: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.instrumentation.auto_instrumentation import _load

    if wanted is not None:
        monkeypatch.setenv("OTEL_PYTHON_DISTRO", wanted)
    step, _ = looked(setup, dict(os.environ))
    assert step.details["distro"]["taken"] == loaded("OTEL_PYTHON_DISTRO", _load._load_distro, distro.Distro)


@pytest.mark.parametrize(
    ("why", "code"),
    [
        ("received fatal alert: NoApplicationProtocol", "grpc_only"),
        ("received fatal alert: ProtocolVersion", "old_version"),
        ("peer is incompatible: ServerDoesNotSupportTls12Or13", "old_version"),
        ("received fatal alert: HandshakeFailure", "alert"),
        (
            "received fatal alert: CertificateRequired; the server wants a client certificate: give …",
            "client_certificate",
        ),
        ("invalid peer certificate: BadSignature", "refused"),
    ],
)
def test_what_the_exporter_says_of_a_handshake_is_explained(why: str, code: str) -> None:
    step = Step("tls")
    tls._refused(Context(environment={}), step, why, None)
    assert codes(step, "failed") == {f"tls.{code}"}
    assert step.findings[0].cure


def test_versions_say_what_is_installed() -> None:
    step, _ = looked(versions)
    assert step.outcome == "ok", step.findings
    assert step.details["spanwire"] in step.findings[0].text


@pytest.mark.parametrize(("sdk", "fits"), [("1.32.1", False), ("1.33.0", True), ("1.45.2", True), ("2.0", False)])
def test_an_sdk_out_of_range_is_warned_of(sdk: str, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    real = versions._version
    monkeypatch.setattr(versions, "_version", lambda name: sdk if name.startswith("opentelemetry") else real(name))
    step, _ = looked(versions)
    assert codes(step) == (set() if fits else {"versions.sdk_range"})


def test_a_step_that_breaks_is_told_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from spanwire.cli._doctor import _run

    def broken(context: Context, step: Step) -> None:
        raise KeyError("hunter2hunter2")

    monkeypatch.setattr(importlib.import_module("spanwire.cli._doctor.steps.versions"), "check", broken)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x=hunter2hunter2")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    report: Report = _run.examine(Context(timeout=0.5, send=False))
    assert report.steps[0].outcome == "failed" and "KeyError" in report.steps[0].findings[0].text
    assert "hunter2" not in str(report.document())
    assert [step.name for step in report.steps] == list(_run.STEPS)
