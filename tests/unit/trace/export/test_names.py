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
    if name in {"BatchSpanProcessor", "SimpleSpanProcessor"}:
        assert issubclass(getattr(ours, name), theirs)
        assert getattr(ours, name) is not theirs
    else:
        assert getattr(ours, name) is theirs


def test_all_has_every_class_of_the_sdks_module() -> None:
    classes = {name for name in PUBLIC if getattr(getattr(upstream, name), "__module__", "") == upstream.__name__}
    assert {"BatchSpanProcessor", "ConsoleSpanExporter", "SimpleSpanProcessor", "SpanExporter"} <= classes
    assert classes <= set(ours.__all__)


def test_the_in_memory_exporter_is_one_of_the_sdks() -> None:
    assert issubclass(ours_in_memory.InMemorySpanExporter, upstream_in_memory.InMemorySpanExporter)


@pytest.mark.parametrize("name", ["BatchSpanProcessor", "SimpleSpanProcessor"])
@pytest.mark.parametrize("method", ["__init__", "on_start", "on_end", "force_flush", "shutdown"])
def test_the_processors_take_the_sdks_arguments(method: str, name: str) -> None:
    def parameters(owner: type) -> list[tuple[str, object, object]]:
        signature = inspect.signature(getattr(owner, method))
        return [(item.name, item.kind, item.default) for item in signature.parameters.values()]

    theirs = parameters(getattr(upstream, name))
    assert parameters(getattr(ours, name))[: len(theirs)] == theirs


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        ours.NoSuchProcessor  # noqa: B018


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("trace.export", "BatchSpanProcessor"),
        ("trace.export", "SimpleSpanProcessor"),
        ("trace.export.in_memory_span_exporter", "InMemorySpanExporter"),
    ],
)
def test_spanwire_disabled_gives_the_sdks(module: str, name: str) -> None:
    program = (
        f"import spanwire.{module} as ours, opentelemetry.sdk.{module} as theirs; assert ours.{name} is theirs.{name}"
    )
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "SPANWIRE_DISABLED": "1"}, check=False)
    assert done.returncode == 0
