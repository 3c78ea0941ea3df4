"""``spanwire.trace.export`` has what ``opentelemetry.sdk.trace.export`` has."""

import inspect
import os
import subprocess
import sys
from types import ModuleType

import opentelemetry.sdk.trace.export as upstream
import opentelemetry.sdk.trace.export.in_memory_span_exporter as upstream_in_memory
import pytest

import spanwire.trace.export as ours
import spanwire.trace.export.in_memory_span_exporter as ours_in_memory

PUBLIC = sorted(
    name for name, value in vars(upstream).items() if not name.startswith("_") and not isinstance(value, ModuleType)
)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_name_of_the_sdks_module_is_there(name: str) -> None:
    theirs = getattr(upstream, name)
    if name == "BatchSpanProcessor":
        assert issubclass(ours.BatchSpanProcessor, upstream.BatchSpanProcessor)
        assert ours.BatchSpanProcessor is not upstream.BatchSpanProcessor
    else:
        assert getattr(ours, name) is theirs


def test_all_has_every_class_of_the_sdks_module() -> None:
    classes = {name for name in PUBLIC if getattr(getattr(upstream, name), "__module__", "") == upstream.__name__}
    assert {"BatchSpanProcessor", "ConsoleSpanExporter", "SimpleSpanProcessor", "SpanExporter"} <= classes
    assert classes <= set(ours.__all__)


def test_the_in_memory_exporter_is_the_sdks() -> None:
    assert ours_in_memory.InMemorySpanExporter is upstream_in_memory.InMemorySpanExporter


@pytest.mark.parametrize("method", ["__init__", "on_start", "on_end", "force_flush", "shutdown"])
def test_the_batch_processor_takes_the_sdks_arguments(method: str) -> None:
    def parameters(owner: type) -> list[tuple[str, object, object]]:
        signature = inspect.signature(getattr(owner, method))
        return [(item.name, item.kind, item.default) for item in signature.parameters.values()]

    theirs = parameters(upstream.BatchSpanProcessor)
    assert parameters(ours.BatchSpanProcessor)[: len(theirs)] == theirs


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        ours.NoSuchProcessor  # noqa: B018


def test_spanwire_disabled_gives_the_sdks_processor() -> None:
    program = (
        "import spanwire.trace.export as ours, opentelemetry.sdk.trace.export as theirs; "
        "assert ours.BatchSpanProcessor is theirs.BatchSpanProcessor"
    )
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "SPANWIRE_DISABLED": "1"}, check=False)
    assert done.returncode == 0
