"""The same over gRPC: what is public in the official exporter exists under our name, with the same signature."""

import importlib
import inspect
import pkgutil
from typing import Any

import opentelemetry.exporter.otlp.proto.grpc as upstream
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as OfficialExporter
from opentelemetry.sdk.trace.export import SpanExporter

from spanwire.exporter.grpc import OTLPSpanExporter

OURS = "spanwire.exporter.grpc"
# Other signals' modules, which come with their signals; and what all share there, a mixin around grpcio's channel.
ELSEWHERE = {"metric_exporter", "exporter"}


def public_modules() -> list[str]:
    found = [""]
    for module in pkgutil.walk_packages(upstream.__path__, "."):
        parts = module.name.split(".")[1:]
        if not any(part.startswith("_") or part in ELSEWHERE for part in parts):
            found.append(module.name)
    return found


def parameters(function: Any) -> list[inspect.Parameter]:
    return [
        item
        for item in inspect.signature(function).parameters.values()
        if item.kind is not inspect.Parameter.VAR_KEYWORD
    ]


@pytest.mark.parametrize("path", public_modules())
def test_every_public_module_exists_under_our_name(path: str) -> None:
    ours, theirs = importlib.import_module(OURS + path), importlib.import_module(upstream.__name__ + path)
    assert {name for name in ours.__all__ if not hasattr(ours, name)} == set()
    assert hasattr(ours, "OTLPSpanExporter") >= hasattr(theirs, "OTLPSpanExporter")
    assert hasattr(ours, "__version__") >= hasattr(theirs, "__version__")


def test_the_exporter_takes_upstreams_parameters_in_their_order_and_more_by_keyword_only() -> None:
    theirs, ours = parameters(OfficialExporter), parameters(OTLPSpanExporter)
    shared = [(item.name, item.kind, item.default) for item in theirs]
    # An older one has fewer, in the same order.
    positional = [item for item in ours if item.kind is not inspect.Parameter.KEYWORD_ONLY]
    expected = [one for one in shared if one[1] is not inspect.Parameter.KEYWORD_ONLY]
    assert [(item.name, item.kind, item.default) for item in positional][: len(expected)] == expected
    assert {name for name, _, _ in shared} <= {item.name for item in ours}
    assert all(item.default is not inspect.Parameter.empty for item in ours)


@pytest.mark.parametrize("method", ["export", "force_flush", "shutdown"])
def test_the_exporters_methods_take_upstreams_parameters(method: str) -> None:
    theirs, ours = parameters(getattr(OfficialExporter, method)), parameters(getattr(OTLPSpanExporter, method))
    expected = [(item.name, item.default) for item in theirs]
    assert [(item.name, item.default) for item in ours[: len(theirs)]] == expected


def test_the_exporter_is_what_the_sdk_asks_for() -> None:
    assert issubclass(OTLPSpanExporter, SpanExporter)
    assert {name for name in dir(OfficialExporter) if not name.startswith("_")} <= set(dir(OTLPSpanExporter))
