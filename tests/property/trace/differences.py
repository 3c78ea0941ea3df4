"""What deliberately differs from the SDK: nothing else may. docs/compatibility.md lists each for users, with why.

Both sides' observations pass through these functions, so what they level is not compared; the test named at each shows it.
"""

import contextlib
import copy
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import opentelemetry.trace
from opentelemetry.trace import SpanKind, Status

__all__ = [
    "base_type",
    "encodable",
    "id_number",
    "id_sent",
    "kind_taken",
    "name_text",
    "only_the_type_matters",
    "same_float",
    "taken",
    "with_clean_names",
    "without_library_frames",
]

_BASES: tuple[type, ...] = (str, int, float, bytes)


def base_type(value: Any) -> Any:
    """Subclasses of str, int, float and bytes read back as their base types: what is kept of a value is its bytes.

    test_subclasses_of_str_int_float_and_bytes_come_back_as_the_base_type
    """
    if type(value) in _BASES or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    return bytes.__getitem__(value, slice(None)) if isinstance(value, bytes) else value


def encodable(value: Any) -> bool:
    """An attribute that OTLP cannot hold (an int outside int64, a lone surrogate in a text or key) is missing when it is
    read back, as it is missing from what the SDK's exporter sends.

    test_a_value_that_otlp_cannot_hold_is_lost_when_set_with_a_line_in_the_log, test_a_value_that_otlp_cannot_hold_takes_no_place
    """
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, str):
        return not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, (tuple, list)):
        return all(encodable(item) for item in value)
    if isinstance(value, Mapping):
        return all(encodable(key) and encodable(item) for key, item in value.items())
    return True


def name_text(name: Any) -> str:
    """Names that are no str become str (and can then be written as JSON; names that cannot are not drawn); lone surrogates in a
    name or a status' description become U+FFFD.

    test_a_name_that_is_no_str_becomes_one, test_lone_surrogates_of_a_name_and_a_description_become_replacement_characters
    """
    text = name if isinstance(name, str) else str(name)
    return re.sub("[\ud800-\udfff]", "\ufffd", base_type(text))


def id_number(value: Any) -> Any:
    """Ids that are floats are read back as ints from links: test_a_link_whose_context_is_none_is_kept_as_far_as_it_can_be_sent."""
    return int(value) if isinstance(value, float) else value


def id_sent(value: Any, is_trace: bool) -> Any:
    """An id of a link that OTLP cannot hold is read back as zero: test_an_id_of_a_link_that_otlp_cannot_hold_becomes_zero."""
    return 0 if isinstance(value, int) and not 0 <= value < (1 << 128 if is_trace else 1 << 64) else value


def kind_taken(kind: Any) -> Any:
    """A kind that is none becomes INTERNAL: test_a_kind_that_is_none_is_internal."""
    return kind if isinstance(kind, SpanKind) else SpanKind.INTERNAL


def taken(name: str, value: Any) -> Any:
    """What ours makes of an argument called ``name``, as the SDK can be given it: a time that is no number of nanoseconds in 64
    bits becomes the present (the largest one too, which stands for it).

    test_a_time_that_is_none_is_replaced_by_the_present
    """
    if name == "kind":
        return kind_taken(value)
    if name in {"start_time", "end_time", "timestamp"} and value is not None:
        try:
            time = int(value)
        except Exception:
            return None
        return time if 0 <= time < 2**64 - 1 else None
    return value


def with_clean_names(span: Any) -> Any:
    """The same for the frame of an SDK span: where the exporter would leave such a name out, ours has what it became."""
    status = span.status
    description = status.description
    odd_events = [event for event in span.events if _is_odd(event.name)]
    if not (_is_odd(span.name) or odd_events or (description is not None and _is_odd(description))):
        return span
    clean = copy.copy(span)
    clean._name = name_text(span.name)
    clean._status = Status(status.status_code, None if description is None else name_text(description))
    for event in odd_events:
        event._name = name_text(event.name)
    return clean


def _is_odd(name: Any) -> bool:
    return type(name) is not str or name_text(name) != name


def only_the_type_matters(error: BaseException) -> bool:
    """The wording of Python's own complaints about arguments, missing attributes and recursion is nobody's contract.

    test_texts_of_type_errors_are_not_the_sdks
    """
    return isinstance(error, (TypeError, AttributeError, RecursionError))


# A span of ours has no ``__dict__``: attributes that the application sets on an unsampled span are refused (a recorded one
# refuses the names of its properties on both sides). reads.py does not try. test_a_span_has_no_room_for_others_attributes

# ``set_attributes`` of a set raises, but the SDK counts fewer than no attributes as dropped before (-4 of ``{"a"}``: the length of
# the text that it makes of it). Not drawn. test_what_is_no_mapping_counts_nothing_as_dropped

# ``copy.copy`` of a recorded span gives a view of it, not a second span that shares what it records. reads.py compares fields.
# test_a_copy_of_a_span_is_a_view_of_it

# ``update_name`` and ``set_status`` of an ended span refuse wrong arguments; the SDK's take any then. They are not drawn.
# test_wrong_arguments_are_refused_after_the_end_too

# A scope that is left without an error before it was entered has begun no span. Not drawn.
# test_a_block_that_is_left_before_it_is_entered_raises

# Unsampled spans are instances of the side's own Span too. reads.py leaves that class out.
# test_an_unsampled_span_is_an_instance_of_our_span_class

# The SDK puts cleaned attributes into the ``Link`` objects that it is given, so that a decorated function's links are cleaned, and
# complained of, at its first call only. Ours changes nothing. runner.py gives such links empty ones. test_links_that_are_given_are_not_changed

# ``span.attributes`` that has nothing but what OTLP cannot hold is empty, thus detached. runner.py keeps none of those.
# test_a_value_that_otlp_cannot_hold_takes_no_place

# Stack traces of exceptions that leave a ``with`` statement lack the frames of the SDK and of contextlib: we have none.
# test_stack_traces_of_errors_that_left_a_block_lack_the_sdks_own_frames
_LIBRARIES = (
    str(Path(opentelemetry.trace.__file__).parent.parent),
    str(Path(contextlib.__file__)),
    "python/spanwire/",
    "spanwire/_facade/",
    "spanwire/trace/",
)
_FRAME = re.compile(
    r'^(?P<indent>[ |]*)  File "(?P<file>[^"\n]*)", line \d+, in [^\n]*\n(?:(?P=indent)    [^\n]*\n)*', re.MULTILINE
)
_HEADER = re.compile(r"^[ |+]*(Exception Group )?Traceback \(most recent call last\):\n", re.MULTILINE)


def without_library_frames(text: str) -> str:
    """A stack trace with the frames of code that is neither the application's nor ours dropped."""
    if "Traceback (most" not in text:
        return text
    text = _FRAME.sub(
        lambda frame: "" if frame["file"].startswith(_LIBRARIES) or _in_package(frame["file"]) else frame[0], text
    )
    return _HEADER.sub("", text)


def _in_package(file: str) -> bool:
    return any(part in file for part in _LIBRARIES[2:])


def same_float(value: float) -> str:
    """Every NaN is one."""
    return "nan" if math.isnan(value) else repr(value)
