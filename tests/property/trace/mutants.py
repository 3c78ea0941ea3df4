"""Sides that are the SDK with one defect each, to show that the comparison sees it."""

import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import opentelemetry.sdk.trace as sdk
from opentelemetry import context as context_api
from opentelemetry import trace as api
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.util import BoundedList

from tests.property.trace.sides import SDK, Side

__all__ = ["MUTANTS", "mutant"]

Broken = Callable[[], AbstractContextManager[Any]]


def _replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> Broken:
    """``owner.name`` is what ``make`` makes of it, during a run."""

    @contextmanager
    def broken() -> Iterator[None]:
        before = owner.__dict__[name] if isinstance(owner, type) else getattr(owner, name)
        setattr(owner, name, make(before))
        try:
            yield
        finally:
            setattr(owner, name, before)

    return broken


def _quiet_about(text: str) -> Broken:
    """A warning is forgotten."""

    def make(warning: Any) -> Any:
        return lambda message, *args: None if text in message else warning(message, *args)

    return _replaced(sdk.logger, "warning", make)


def _drops_key(stored: Any) -> Any:
    return lambda self, key, value: None if key == "c" else stored(self, key, value)


def _keeps_order(_: Any) -> Any:
    def set_item(self: Any, key: str, value: Any) -> None:
        if key not in self._dict and self.maxlen is not None and len(self._dict) >= self.maxlen:
            del self._dict[next(iter(self._dict))]
            self.dropped += 1
        self._dict[key] = value

    return set_item


def _evicts_newest(stored: Any) -> Any:
    def set_item(self: Any, key: str, value: Any) -> None:
        if self.maxlen is not None and key not in self._dict and len(self._dict) >= self.maxlen > 1:
            self._dict[key] = self._dict.pop(list(self._dict)[-1])
        stored(self, key, value)

    return set_item


def _leaks_context(detach: Any) -> Any:
    count = iter(range(10**9))
    return lambda token: None if next(count) % 4 == 0 else detach(token)


def _records_base_exceptions(end: Any) -> Any:
    def ends(self: Any, error_type: Any, error: Any, trace: Any) -> None:
        if isinstance(error, Exception) or error is None:
            end(self, error_type, error, trace)
        else:
            self.end()

    return ends


def _status_not_final(_: Any) -> Any:
    def set_status(self: Any, status: Any, description: Any = None) -> None:
        if self._end_time is not None:
            sdk.logger.warning("Tried calling %s on an ended span.", "set_status")
        elif isinstance(status, api.StatusCode):
            if status is not api.StatusCode.UNSET:
                self._status = api.Status(status, description)
        elif isinstance(status, api.Status) and status.status_code is not api.StatusCode.UNSET:
            if description is not None:
                sdk.logger.warning(
                    "Description %s ignored. Use either `Status` or `(StatusCode, Description)`", description
                )
            self._status = status

    return set_status


def _escaped_always_false(record: Any) -> Any:
    def record_exception(
        self: Any, exception: Any, attributes: Any = None, timestamp: Any = None, escaped: Any = False
    ) -> None:
        record(self, exception, attributes, timestamp, False)

    return record_exception


def _unlimited_events(_: Any) -> Any:
    return lambda self: BoundedList(None)


def _no_trace_state(result: Any) -> Any:
    def init(self: Any, decision: Any, attributes: Any = None, trace_state: Any = None) -> None:
        result(self, decision, attributes, None if decision is sampling.Decision.DROP else trace_state)

    return init


def _link_needs_valid_context(_: Any) -> Any:
    return lambda context, attributes: bool(context and context.is_valid)


def _detached_attributes(_: Any) -> Any:
    return property(lambda self: types.MappingProxyType(dict(self._attributes or {})))


def _no_on_ending(_: Any) -> Any:
    return lambda self, span: None


def _ignores_start_time(start: Any) -> Any:
    return lambda self, start_time=None, parent_context=None: start(self, None, parent_context)


def _end_time_of_zero_is_now(end: Any) -> Any:
    return lambda self, end_time=None: end(self, end_time or None)


def _forgets_parent_context(start: Any) -> Any:
    return lambda self, span, parent_context=None: start(self, span, parent_context=None)


MUTANTS: dict[str, Broken] = {
    "loses an attribute": _replaced(BoundedAttributes, "_setitem_locked", _drops_key),
    "keeps the place of an attribute that is set again": _replaced(BoundedAttributes, "_setitem_locked", _keeps_order),
    "evicts the newest": _replaced(BoundedAttributes, "_setitem_locked", _evicts_newest),
    "does not warn of a second end": _quiet_about("on an ended span"),
    "does not warn of an attribute after the end": _quiet_about("Setting attribute"),
    "does not always restore the context": _replaced(context_api, "detach", _leaks_context),
    "ignores what is no Exception": _replaced(sdk.Span, "__exit__", _records_base_exceptions),
    "lets a status follow OK": _replaced(sdk.Span, "set_status", _status_not_final),
    "never says that an exception escaped": _replaced(sdk.Span, "record_exception", _escaped_always_false),
    "has no limit of events": _replaced(sdk.Span, "_new_events", _unlimited_events),
    "loses the trace state of unsampled spans": _replaced(sampling.SamplingResult, "__init__", _no_trace_state),
    "drops links without a valid context": _replaced(sdk, "_is_valid_link", _link_needs_valid_context),
    "gives attributes that do not follow": _replaced(sdk.ReadableSpan, "attributes", _detached_attributes),
    "does not tell processors of the ending": _replaced(sdk.SynchronousMultiSpanProcessor, "_on_ending", _no_on_ending),
    "ignores the start time": _replaced(sdk.Span, "start", _ignores_start_time),
    "takes an end at zero for none": _replaced(sdk.Span, "end", _end_time_of_zero_is_now),
    "keeps the parent context from processors": _replaced(
        sdk.SynchronousMultiSpanProcessor, "on_start", _forgets_parent_context
    ),
}


def mutant(name: str) -> Side:
    """The SDK with this defect."""
    return replace(SDK, name=f"the SDK, but it {name}", broken=MUTANTS[name])
