"""Migration is a search and replace of `opentelemetry.sdk` by `spanwire`: every public module and name is there."""

import importlib
import pkgutil
from types import ModuleType

import opentelemetry.sdk
import pytest

import spanwire.trace

COVERED = ("trace", "resources", "environment_variables")


def public_modules() -> list[str]:
    found = []
    for module in pkgutil.walk_packages(opentelemetry.sdk.__path__, "opentelemetry.sdk."):
        parts = module.name.split(".")[2:]
        if parts[0] in COVERED and not any(part.startswith("_") for part in parts):
            found.append(".".join(parts))
    return found


def defined(module: ModuleType) -> set[str]:
    """Public names that the module defines, and constants."""
    return {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (
            getattr(value, "__module__", None) == module.__name__
            or (name.isupper() and not isinstance(value, ModuleType))
        )
    }


def test_the_public_modules_are_known() -> None:
    expected = {"trace", "trace.export", "trace.sampling", "trace.id_generator", "resources", "environment_variables"}
    assert {*expected, "trace.export.in_memory_span_exporter"} <= set(public_modules())


@pytest.mark.parametrize("path", public_modules())
def test_every_public_module_and_name_exists_under_our_name(path: str) -> None:
    theirs = importlib.import_module(f"opentelemetry.sdk.{path}")
    ours = importlib.import_module(f"spanwire.{path}")

    assert ours.__name__ == f"spanwire.{path}"
    assert {name for name in defined(theirs) if not hasattr(ours, name)} == set()
    own = {name for name in defined(theirs) if getattr(getattr(theirs, name), "__module__", "") == theirs.__name__}
    assert own <= set(ours.__all__)


@pytest.mark.parametrize("path", public_modules())
def test_our_modules_export_what_they_say(path: str) -> None:
    ours = importlib.import_module(f"spanwire.{path}")
    assert {name for name in ours.__all__ if not hasattr(ours, name)} == set()
    assert len(set(ours.__all__)) == len(ours.__all__)
    assert set(ours.__all__) <= set(dir(ours))


@pytest.mark.parametrize("name", ["Resource", "_Span", "_DEFAULT_OTEL_SPAN_EVENT_COUNT_LIMIT", "BoundedList", "logger"])
def test_other_names_of_the_sdks_module_are_found_private_ones_too(name: str) -> None:
    assert getattr(spanwire.trace, name) is getattr(opentelemetry.sdk.trace, name)


def test_a_name_that_is_nowhere_is_an_attribute_error_of_our_module() -> None:
    with pytest.raises(AttributeError, match=r"module 'spanwire\.trace' has no attribute 'nowhere'"):
        _ = spanwire.trace.nowhere
    with pytest.raises(AttributeError):
        _ = spanwire.trace.__path_that_is_not__


@pytest.mark.parametrize("name", ["sampling", "id_generator", "export"])
def test_modules_below_are_ours_whoever_imported_the_sdks_first(name: str) -> None:
    importlib.import_module(f"opentelemetry.sdk.trace.{name}")
    assert getattr(spanwire.trace, name).__name__ == f"spanwire.trace.{name}"


def test_what_is_not_hot_is_the_sdks_own() -> None:
    from opentelemetry.sdk import resources, trace

    from spanwire.resources import Resource
    from spanwire.trace.sampling import ALWAYS_ON, ParentBased

    assert Resource is resources.Resource
    assert ParentBased is trace.sampling.ParentBased
    assert ALWAYS_ON is trace.sampling.ALWAYS_ON
    assert spanwire.trace.SpanLimits is trace.SpanLimits
