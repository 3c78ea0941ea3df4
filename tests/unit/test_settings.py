"""``spanwire._settings`` holds every setting: no more, no less than the code has."""

import importlib
import inspect
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import getproxies_environment

import opentelemetry.environment_variables
import opentelemetry.instrumentation.environment_variables
import opentelemetry.sdk.environment_variables
import pytest

import spanwire._native
from spanwire import sink
from spanwire._settings import SETTINGS, Setting
from spanwire._setup import defaults
from spanwire.exporter import grpc
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.trace import SpanLimits, TracerProvider
from spanwire.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from tests.conftest import ROOT

OWNERS: dict[str, Callable[..., object]] = {
    "spanwire.exporter.http.OTLPSpanExporter": OTLPSpanExporter,
    "spanwire.exporter.grpc.OTLPSpanExporter": grpc.OTLPSpanExporter,
    "spanwire.trace.export.BatchSpanProcessor": BatchSpanProcessor,
    "spanwire.trace.export.SimpleSpanProcessor": SimpleSpanProcessor,
    "spanwire.trace.TracerProvider": TracerProvider,
    "spanwire.trace.SpanLimits": SpanLimits,
    "spanwire.sink.Sink": sink.Sink,
    "spanwire.sink.TLS": sink.TLS,
    "spanwire.sink.Fault": sink.Fault,
}

# What may stand in sources as the name of a variable. Names that end in "_" are the beginning of one.
NAME = re.compile(
    r"\b(?:OTEL_[A-Z][A-Z_]*[A-Z]|SPANWIRE_[A-Z][A-Z_]*[A-Z]|SSL_CERT_(?:FILE|DIR)|[A-Z]+_CA_BUNDLE|GRPC_DEFAULT_SSL_ROOTS_FILE_PATH|[A-Z]+_PROXY"
    r"|(?:https?|all|no)_proxy)\b(?!\[)"
)
# Of the table between Cython and Rust: constants of C, no variables.
CONSTANTS = set(re.findall(r"\bSPANWIRE_[A-Z0-9_]+", (ROOT / "python/spanwire/_facade/spanwire_api.h").read_text()))
CONSTANTS.add("SPANWIRE_ANY_PYTHON")  # setup.py gives it to the compiler


def variables() -> set[str]:
    return {name for setting in SETTINGS for name in setting.variables}


def of(owner: str) -> dict[str, Setting]:
    return {setting.keyword: setting for setting in SETTINGS if setting.owner == owner and setting.keyword}


def our_sources() -> Iterator[Path]:
    yield ROOT / "setup.py"
    for folder, endings in {"python": (".py", ".pyx", ".pxi", ".pxd"), "native": (".rs",)}.items():
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT).parts
            # Benchmarks' own messages to their children, and what is built.
            if path.suffix in endings and "_settings" not in inside and "target" not in inside:
                yield path


def names_in(path: Path) -> set[str]:
    return set(NAME.findall(path.read_text(encoding="utf-8"))) - CONSTANTS


def upstream_names() -> set[str]:
    """Of the SDK, the API and the loader of instrumentations: names that they have, and all that stand in their sources."""
    modules = (
        opentelemetry.environment_variables,
        opentelemetry.sdk.environment_variables,
        opentelemetry.instrumentation.environment_variables,
    )
    return {
        value
        for module in modules
        for name, value in vars(module).items()
        if name.lstrip("_").startswith("OTEL_") and isinstance(value, str)
    }


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """The names that are asked for in os.environ, whoever does it in whatever way."""
    asked: set[str] = set()
    original = type(os.environ).__getitem__

    def getitem(self: Any, name: str) -> str:
        asked.add(name)
        return original(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(type(os.environ), "__getitem__", getitem)
        yield asked


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if NAME.fullmatch(name):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("owner", OWNERS)
def test_every_keyword_is_a_setting_and_no_other(owner: str) -> None:
    assert list(inspect.signature(OWNERS[owner]).parameters) == sorted(
        of(owner), key=list(inspect.signature(OWNERS[owner]).parameters).index
    )


@pytest.mark.parametrize("owner", OWNERS)
def test_defaults_are_those_of_the_signature(owner: str) -> None:
    for name, parameter in inspect.signature(OWNERS[owner]).parameters.items():
        if parameter.default not in (None, inspect.Parameter.empty):
            assert of(owner)[name].default == str(parameter.default), name


def test_every_keyword_of_install_is_a_setting() -> None:
    from opentelemetry.sdk import _configuration

    own = inspect.signature(spanwire.install).parameters
    passed_on = inspect.signature(_configuration._initialize_components).parameters
    listed = of("spanwire.install")
    assert {*own, *passed_on} - {"overrides"} == set(listed)


def test_every_owner_can_be_found() -> None:
    for owner in {setting.owner for setting in SETTINGS if setting.keyword}:
        module, _, name = owner.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name)), owner


def test_every_name_in_our_sources_is_a_setting() -> None:
    unknown = {path.relative_to(ROOT): names for path in our_sources() if (names := names_in(path) - variables())}
    assert not unknown


def test_every_name_that_upstream_knows_is_a_setting() -> None:
    assert not upstream_names() - variables()
    folder = Path(opentelemetry.sdk.environment_variables.__file__).parent.parent
    literal = re.compile(r"[\"'](OTEL_[A-Z_]*[A-Z])[\"']")
    found = {name for path in folder.rglob("*.py") for name in literal.findall(path.read_text(encoding="utf-8"))}
    assert found and not found - variables()


def test_every_setting_is_known_to_somebody() -> None:
    known = {name for path in our_sources() for name in names_in(path)} | upstream_names()
    # Built of parts, in urllib, and read by native code: asked for below.
    proxies = {f"{kind}_proxy" for kind in ("http", "https", "all", "no", "grpc", "no_grpc")}
    known |= proxies | {name.upper() for name in proxies} | {"SSL_CERT_FILE", "SSL_CERT_DIR"}
    assert not variables() - known


def test_what_setting_up_reads_is_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("http_proxy", "http://localhost:1")
    monkeypatch.setenv("no_proxy", "localhost")
    monkeypatch.setenv("SPANWIRE_DURABLE_PATH", str(tmp_path))  # without it the others of the kind are not read
    with recorded(monkeypatch) as asked:
        exporter = OTLPSpanExporter()
        processor = BatchSpanProcessor(exporter)
        provider = TracerProvider(shutdown_on_exit=False)
        defaults.defaults()
    processor.shutdown()
    provider.shutdown()
    asked = {name for name in asked if NAME.fullmatch(name)}
    assert not asked - variables()

    def named(*topics: str) -> set[str]:
        return {name for setting in SETTINGS if setting.topic in topics for name in setting.variables}

    read = named("exporter", "batch processor", "limits", "provider", "resource")
    not_here = {
        "OTEL_EXPORTER_OTLP_INSECURE",
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
        # By native code, for https only; see below.
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        # By the configurator; the other with one sampler only.
        "OTEL_PYTHON_ID_GENERATOR",
        "OTEL_PYTHON_TRACER_CONFIGURATOR",
        "OTEL_TRACES_SAMPLER_ARG",
        # By urllib, which goes through all variables.
        "no_proxy",
        "NO_PROXY",
    }
    # Of several proxies one is enough to look further.
    missing = {name for name in read - asked - not_here if not name.lower().endswith("_proxy")}
    assert not missing


@pytest.mark.parametrize("name", [n for s in SETTINGS for n in s.variables if n.lower().endswith("_proxy")])
def test_proxies_are_those_of_the_standard_library(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "host.invalid")
    assert getproxies_environment() == {name.lower().removesuffix("_proxy"): "host.invalid"}


def test_the_native_part_knows_the_system_s_certificates_by_these_names() -> None:
    native = Path(spanwire._native.__file__).read_bytes()
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SPANWIRE_SIMD"):
        assert name.encode() in native
        assert name in variables()


def test_defaults_of_the_exporter() -> None:
    exporter = OTLPSpanExporter()
    listed = of("spanwire.exporter.http.OTLPSpanExporter")
    assert listed["endpoint"].default == exporter._endpoint
    assert float(listed["timeout"].default) == exporter._timeout
    assert listed["compression"].default == exporter._compression.value
    assert int(listed["max_request_size"].default) == exporter._max_request_size


def test_defaults_of_the_limits() -> None:
    limits = SpanLimits()
    for keyword, setting in of("spanwire.trace.SpanLimits").items():
        value = getattr(limits, keyword)
        assert setting.default == ("" if value is None else str(value)), keyword


def test_defaults_of_the_batch_processor() -> None:
    from opentelemetry.sdk.trace import export as sdk

    from spanwire.trace.export import _batch

    listed = of("spanwire.trace.export.BatchSpanProcessor")
    assert listed["schedule_delay_millis"].default == str(sdk._DEFAULT_SCHEDULE_DELAY_MILLIS)
    assert listed["export_timeout_millis"].default == str(sdk._DEFAULT_EXPORT_TIMEOUT_MILLIS)
    assert f"{_batch.DEFAULT_BATCH_SPANS}, or {_batch.DEFAULT_BATCH_BYTES // 1000} KB" in (
        listed["max_export_batch_size"].default
    )
    assert f"{sdk._DEFAULT_MAX_EXPORT_BATCH_SIZE} for exporters in Python" in listed["max_export_batch_size"].meaning


def test_defaults_of_the_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = {name: setting for setting in SETTINGS for name in setting.variables if setting.topic == "set-up"}
    for name, value in defaults.defaults().items():
        assert listed[name].default.startswith(("otlp", value)), name


def test_the_default_sampler() -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    named = TracerProvider(shutdown_on_exit=False)
    default = of("spanwire.trace.TracerProvider")["sampler"].default
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_TRACES_SAMPLER", default)
        named = TracerProvider(shutdown_on_exit=False)
    assert provider.sampler.get_description() == named.sampler.get_description()


def test_each_keyword_of_an_owner_and_each_row_is_there_once() -> None:
    keywords = [(setting.owner, setting.keyword) for setting in SETTINGS if setting.keyword]
    assert len(keywords) == len(set(keywords))
    assert len(SETTINGS) == len(set(SETTINGS))
    # A variable of one signal only belongs to one setting.
    specific = [name for s in SETTINGS for name in s.variables if not re.fullmatch(r"OTEL_EXPORTER_OTLP_\w+", name)]
    shared = {name for name in specific if specific.count(name) > 1}
    assert shared <= {
        "OTEL_PYTHON_EXPORTER_OTLP_GRPC_CREDENTIAL_PROVIDER",
        "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER",
        *("http_proxy", "https_proxy", "no_proxy"),
        "SPANWIRE_DURABLE_PATH",
    }


def test_every_row_says_something_in_one_line() -> None:
    for setting in SETTINGS:
        assert setting.keyword or setting.variables
        assert setting.topic and setting.owner
        assert 4 < len(setting.meaning) < 130 and "\n" not in setting.meaning, setting
        assert "|" not in setting.meaning + setting.default  # these become tables


def test_what_carries_credentials_is_secret() -> None:
    secret = {name for setting in SETTINGS if setting.is_secret for name in setting.variables}
    assert secret == {name for name in variables() if name.endswith("_HEADERS")}
