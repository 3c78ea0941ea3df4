"""Migration is a search and replace: whatever is public upstream exists under our name, with the same signature."""

import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any

import opentelemetry.exporter.otlp.proto.http as upstream
import pytest
from opentelemetry.exporter.otlp.proto.http import Compression as OfficialCompression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as OfficialExporter
from opentelemetry.sdk.trace.export import SpanExporter

from spanwire.exporter.http import Compression, OTLPSpanExporter

UPSTREAM = upstream.__name__
OURS = "spanwire.exporter.http"
# Other signals' modules, which come with their signals.
LATER = {"metric_exporter"}
# Imported there for its own use, though without an underscore.
INTERNAL = {"Callable", "Dict", "Mapping", "Optional", "Sequence", "TYPE_CHECKING", "abc", "annotations", "overload"}


def public_modules() -> list[str]:
    found = [""]
    for module in pkgutil.walk_packages(upstream.__path__, "."):
        parts = module.name.split(".")[1:]
        if not any(part.startswith("_") or part in LATER for part in parts):
            found.append(module.name)
    return found


def public_names(module: ModuleType) -> set[str]:
    """Names without underscore that are no modules, and are defined in the module or are there to be imported from it."""
    own = {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType) and name not in INTERNAL
    }
    if module.__name__.endswith(".encoder"):
        return set(own)
    # Constants imported from elsewhere have long names that say so.
    return {
        name
        for name, value in own.items()
        if (name.isupper() and not name.startswith("OTEL_") and not name.startswith("HTTP_"))
        or getattr(value, "__module__", None) == module.__name__
    }


def parameters(function: Any) -> list[inspect.Parameter]:
    return [item for item in inspect.signature(function).parameters.values() if not item.name.startswith("_")]


def test_the_public_modules_are_known() -> None:
    assert {"", ".trace_exporter", ".version"} <= set(public_modules())


@pytest.mark.parametrize("path", public_modules())
def test_every_public_module_and_name_exists_under_our_name(path: str) -> None:
    ours = importlib.import_module(OURS + path)
    theirs = importlib.import_module(UPSTREAM + path)
    assert {name for name in public_names(theirs) if not hasattr(ours, name)} == set()
    if hasattr(theirs, "__version__"):
        assert isinstance(ours.__version__, str)


@pytest.mark.parametrize("path", public_modules())
def test_our_modules_export_what_they_say(path: str) -> None:
    ours = importlib.import_module(OURS + path)
    assert {name for name in ours.__all__ if not hasattr(ours, name)} == set()
    assert set(ours.__all__) <= set(dir(ours))
    assert public_names(importlib.import_module(UPSTREAM + path)) <= {*ours.__all__, "Compression"}


def test_constants_have_upstreams_values() -> None:
    ours = importlib.import_module(f"{OURS}.trace_exporter")
    theirs = importlib.import_module(f"{UPSTREAM}.trace_exporter")
    constants = {name for name in public_names(theirs) if name.isupper()}
    assert len(constants) >= 4
    for name in constants - {"DEFAULT_COMPRESSION"}:
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.DEFAULT_COMPRESSION.value == theirs.DEFAULT_COMPRESSION.value


def test_compression_has_upstreams_members() -> None:
    ours = {member.name: member.value for member in Compression}
    assert ours == {**{member.name: member.value for member in OfficialCompression}, "Zstd": "zstd"}


def test_the_exporter_takes_upstreams_parameters_in_their_order_and_more_by_keyword_only() -> None:
    theirs, ours = parameters(OfficialExporter), parameters(OTLPSpanExporter)
    positional = [(item.name, item.default) for item in theirs if item.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert [(item.name, item.default) for item in ours if item.kind is not inspect.Parameter.KEYWORD_ONLY] == positional
    by_name = {item.name: item for item in ours}
    for item in theirs:
        assert (by_name[item.name].kind, by_name[item.name].default) == (item.kind, item.default), item.name
    assert all(item.default is not inspect.Parameter.empty for item in ours)


@pytest.mark.parametrize("method", ["export", "force_flush", "shutdown"])
def test_the_exporters_methods_take_upstreams_parameters(method: str) -> None:
    theirs, ours = parameters(getattr(OfficialExporter, method)), parameters(getattr(OTLPSpanExporter, method))
    expected = [(item.name, item.kind, item.default) for item in theirs]
    assert [(item.name, item.kind, item.default) for item in ours[: len(theirs)]] == expected
    assert all(item.default is not inspect.Parameter.empty for item in ours[len(theirs) :])


def test_the_exporter_is_what_the_sdk_asks_for() -> None:
    assert issubclass(OTLPSpanExporter, SpanExporter)
    assert {name for name in dir(OfficialExporter) if not name.startswith("_")} <= set(dir(OTLPSpanExporter))
