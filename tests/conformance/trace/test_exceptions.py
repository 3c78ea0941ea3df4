"""What becomes of exceptions: recorded by hand, by `with span`, by `use_span` and by `start_as_current_span`."""

import asyncio
import contextlib
from typing import Any

import pytest
from opentelemetry import trace as api
from opentelemetry.trace import Status, StatusCode

from tests.conformance.trace.sides import Side, both, same, without_sdk_frames


class Custom(Exception):
    """Not of this module's top level name only: its qualified name is what counts."""

    class Nested(Exception):
        pass


class NoText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


ERRORS: dict[str, BaseException] = {
    "builtin": ValueError("bad value"),
    "no message": ValueError(),
    "custom": Custom("custom"),
    "nested class": Custom.Nested("nested"),
    "base exception": KeyboardInterrupt("stop"),
    "system exit": SystemExit(3),
    "cancelled": asyncio.CancelledError(),
    "generator exit": GeneratorExit(),
    "beyond ASCII": ValueError("größer 🌍"),
    "several arguments": OSError(2, "no such file", "name"),
    "never raised": LookupError("never raised"),
}


def raised(error: BaseException) -> BaseException:
    """The error with a traceback, except where it is to have none."""
    if str(error) != "never raised":
        try:
            raise error
        except BaseException as caught:
            return caught
    return error


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_record_exception_records_what_the_sdk_does(error: BaseException) -> None:
    caught = raised(error)

    def scenario(side: Side) -> Any:
        span = side.span()
        assert span.record_exception(caught) is None
        span.end()
        (event,) = span.events
        return event.name, dict(event.attributes), span.status.status_code

    name, attributes, status = same(scenario).result
    assert name == "exception"
    assert list(attributes) == [f"exception.{part}" for part in ("type", "message", "stacktrace", "escaped")]
    assert status is StatusCode.UNSET


def test_the_type_is_qualified_but_for_builtins() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        for error in (ValueError(), Custom(), Custom.Nested()):
            span.record_exception(error)
        return [event.attributes["exception.type"] for event in span.events]

    module = Custom.__module__
    assert same(scenario).result == ["ValueError", f"{module}.Custom", f"{module}.Custom.Nested"]


def test_attributes_of_record_exception_override_and_add() -> None:
    def scenario(side: Side) -> Any:
        span = side.span()
        given = {"exception.message": "mine", "more": [1], "exception.escaped": True}
        span.record_exception(ValueError("x"), attributes=given, timestamp=5, escaped=True)
        return list(span.events[0].attributes.items()), span.events[0].timestamp

    assert dict(same(scenario).result[0])["exception.message"] == "mine"


def test_causes_and_notes_are_in_the_stack_trace() -> None:
    try:
        try:
            raise KeyError("cause")
        except KeyError as cause:
            raise ValueError("effect") from cause
    except ValueError as error:
        caught = error

    def scenario(side: Side) -> Any:
        span = side.span()
        span.record_exception(caught)
        return span.events[0].attributes["exception.stacktrace"]

    assert "direct cause" in same(scenario).result


def test_an_exception_without_a_text_raises_from_record_exception_as_with_the_sdk() -> None:
    def scenario(side: Side) -> None:
        span = side.span()
        try:
            span.record_exception(NoText())
        finally:
            span.end()

    seen = same(scenario)
    assert seen.raised == ("RuntimeError", "no text")


def leaves(error: BaseException, enter: Any, **options: Any) -> Any:
    """A scenario in which `error` leaves the block of a span."""

    def scenario(side: Side) -> Any:
        span: Any = None
        fresh = type(error)(*error.args)
        try:
            with enter(side, **options) as span:
                raise fresh
        except type(error) as caught:
            passed_on = caught is fresh
        if span.is_recording():
            span.end()
        assert passed_on
        return (
            [
                {key: value for key, value in event.attributes.items() if key != "exception.stacktrace"}
                for event in span.events
            ],
            [without_sdk_frames(event.attributes["exception.stacktrace"]) for event in span.events],
            span.status.status_code,
            span.status.description,
        )

    return scenario


def with_span(side: Side, **options: Any) -> Any:
    return side.tracer().start_span("name", **options)


def with_current(side: Side, **options: Any) -> Any:
    return side.tracer().start_as_current_span("name", **options)


def with_use_span(side: Side, **options: Any) -> Any:
    return api.use_span(side.span(), **options)


def with_own_use_span(side: Side, **options: Any) -> Any:
    use_span = side.trace.use_span if side.name != "sdk" else api.use_span
    return use_span(side.span(), **options)


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("enter", [with_span, with_current, with_use_span, with_own_use_span])
def test_an_error_that_leaves_is_recorded_as_by_the_sdk(error: BaseException, enter: Any) -> None:
    events, _, status, _ = same(leaves(error, enter)).result
    escaped = "True" if enter is with_span else "False"
    if enter is with_span or isinstance(error, Exception):
        assert [event["exception.escaped"] for event in events] == [escaped]
        assert status is StatusCode.ERROR
    else:
        assert (events, status) == ([], StatusCode.UNSET)


@pytest.mark.parametrize("enter", [with_span, with_current, with_use_span, with_own_use_span])
@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("status", [True, False])
def test_recording_and_status_can_be_turned_off(enter: Any, record: bool, status: bool) -> None:
    options = {"record_exception": record, "set_status_on_exception": status}
    events, _, code, description = same(leaves(ValueError("bad"), enter, **options)).result
    assert len(events) == record
    assert (code, description) == ((StatusCode.ERROR, "ValueError: bad") if status else (StatusCode.UNSET, None))


@pytest.mark.parametrize("enter", [with_current, with_use_span, with_own_use_span])
def test_a_status_that_was_ok_stays_ok(enter: Any) -> None:
    def scenario(side: Side) -> Any:
        with contextlib.suppress(ValueError), enter(side) as span:
            span.set_status(Status(StatusCode.OK))
            raise ValueError("bad")
        return span.status.status_code, len(span.events)

    assert same(scenario).result == (StatusCode.OK, 1)


@pytest.mark.parametrize("enter", [with_span, with_current, with_use_span, with_own_use_span])
def test_an_error_after_the_end_is_not_recorded(enter: Any) -> None:
    def scenario(side: Side) -> Any:
        with contextlib.suppress(ValueError), enter(side) as span:
            span.end()
            raise ValueError("bad")
        return span.status.status_code, span.events

    seen = same(scenario)
    assert seen.result == (StatusCode.UNSET, ())


def test_end_on_exit_false_leaves_the_span_open() -> None:
    def scenario(side: Side) -> Any:
        with side.tracer().start_as_current_span("name", end_on_exit=False) as span:
            pass
        open_still = span.is_recording()
        span.end()
        return open_still

    assert same(scenario).result is True


def test_an_exception_without_a_text_leaves_the_block_as_with_the_sdk() -> None:
    def scenario(side: Side) -> Any:
        try:
            with side.tracer().start_as_current_span("name"):
                raise NoText
        except BaseException as error:
            return type(error).__name__, type(error.__context__).__name__, len(side.spans), api.get_current_span()

    assert same(scenario).result[:3] == ("RuntimeError", "NoText", 1)


def test_stack_traces_of_errors_that_left_a_block_lack_the_sdks_own_frames() -> None:
    """Difference: our blocks have no frames, so the stack trace is the application's alone."""

    def scenario(side: Side) -> Any:
        try:
            with side.tracer().start_as_current_span("name") as span:
                raise ValueError("bad")
        except ValueError:
            pass
        return span.events[0].attributes["exception.stacktrace"]

    theirs, ours = both(scenario)
    assert "opentelemetry" in theirs.result
    assert "opentelemetry" not in ours.result and "spanwire/_facade" not in ours.result
    assert 'raise ValueError("bad")' in ours.result
    assert without_sdk_frames(theirs.result) == without_sdk_frames(ours.result)
