"""With an older SDK these tests compare nothing with it (tests.conformance.trace.sides). Some compare all the same, or ask for what
the older one cannot do: they are expected to fail there, each for the reason that is said here. One that passes is an error with
the oldest SDK, so that the list has nothing that could be tested."""

from importlib.metadata import requires, version

import pytest
from packaging.requirements import Requirement

from tests.conformance.trace.sides import IS_NEWEST

_SDK = next(Requirement(one) for one in requires("spanwire") or () if one.startswith("opentelemetry-sdk"))
IS_OLDEST = any(
    f"{version('opentelemetry-sdk')}.".startswith(f"{bound.version}.")
    for bound in _SDK.specifier
    if bound.operator == ">="
)

NO_MAPS = "it takes no maps"
NO_NESTING = "it takes no value within another"
NO_BYTES = "it makes text of bytes"

# A test, or those of its cases whose ids begin so.
NEWEST_ONLY = {
    "test_a_flush_that_fails_or_takes_too_long_is_false": "its list of processors ends a flush at the first that fails",
    "test_a_value_that_otlp_cannot_hold_is_lost_when_set_with_a_line_in_the_log[{": NO_MAPS,
    "test_an_attribute_of_any_width_and_type[None-": "it drops None",
    "test_an_attribute_of_any_width_and_type[\\x00x-": NO_BYTES,
    "test_an_attribute_of_any_width_and_type[value13-": NO_MAPS,
    "test_deep_nesting_is_refused_as_the_sdk_refuses_it": NO_NESTING,
    "test_nesting_is_taken_to_the_same_depth": NO_NESTING,
    "test_subclasses_of_str_int_float_and_bytes_come_back_as_the_base_type": NO_BYTES,
    "test_what_a_processor_gets_can_be_copied_deeply": "its attributes have a lock, which cannot be copied",
    "test_what_otlp_cannot_hold_is_left_out_alone_and_counted_by_its_reason[text in a map": NO_MAPS,
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if IS_NEWEST:
        return
    for item in items:
        folder = item.path.parent
        if (folder.parent.name, folder.name) != ("conformance", "trace"):
            continue
        for name, reason in NEWEST_ONLY.items():
            if item.name == name or item.name.startswith(name if "[" in name else f"{name}["):
                item.add_marker(pytest.mark.xfail(reason=f"the older SDK differs: {reason}", strict=IS_OLDEST))
