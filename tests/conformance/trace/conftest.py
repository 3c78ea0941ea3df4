"""With an older SDK these tests compare nothing with it (tests.conformance.trace.sides), and some ask what only newer ones have."""

import pytest

from tests.conformance.trace.sides import IS_NEWEST

# What an older SDK or API has not, or what compares with it.
NEWEST_ONLY = {
    "test_a_flush_that_fails_or_takes_too_long_is_false",
    "test_a_value_that_otlp_cannot_hold_is_lost_when_set_with_a_line_in_the_log",
    "test_an_attribute_of_any_width_and_type",
    "test_children_of_every_parent_are_decided_alike",
    "test_deep_nesting_is_refused_as_the_sdk_refuses_it",
    "test_every_hook_is_called_in_the_order_in_which_processors_were_added",
    "test_nesting_is_taken_to_the_same_depth",
    "test_random_ids_are_random_flagged_valid_and_different",
    "test_stock_samplers_have_a_native_stand_in_and_others_have_none",
    "test_subclasses_of_str_int_float_and_bytes_come_back_as_the_base_type",
    "test_what_a_processor_gets_can_be_copied_deeply",
    "test_what_otlp_cannot_hold_is_left_out_alone_and_counted_by_its_reason",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.parent
        if (
            not IS_NEWEST
            and (folder.parent.name, folder.name) == ("conformance", "trace")
            and getattr(item, "originalname", "") in NEWEST_ONLY
        ):
            item.add_marker(pytest.mark.skip(reason="not applicable: asks for what only newer SDKs have"))
