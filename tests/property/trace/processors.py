"""Python span processors of programs, by name."""

from collections.abc import Callable
from typing import Any

from opentelemetry.trace import StatusCode, get_current_span

from tests.property.trace.made import Boom
from tests.property.trace.observe import Record

__all__ = ["PROCESSORS", "build_processor"]


def build_processor(name: str, trace: Any, record: Record) -> Any:
    """A processor of the side whose module is ``trace``."""
    return PROCESSORS[name](trace.SpanProcessor, record)


def _records(base: Any, record: Record) -> Any:
    class Records(base):  # type: ignore[misc]
        """Reads everything in every hook."""

        def on_start(self, span: Any, parent_context: Any = None) -> None:
            record.know(span)
            record.note("on_start", span, parent_context is None, get_current_span(parent_context))
            record.lines.append(record.snapshot(span))

        def _on_ending(self, span: Any) -> None:
            record.note("on_ending", span, get_current_span())
            record.lines.append(record.snapshot(span))

        def on_end(self, span: Any) -> None:
            record.note("on_end", get_current_span())
            record.lines.append(record.snapshot(span))
            record.lines.append(record.outcome(lambda: record.json(span.to_json())))

        def shutdown(self) -> None:
            record.note("processor shut down")

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            record.note("processor flushed")
            return True

    return Records()


def _sets(base: Any, record: Record) -> Any:
    class Sets(base):  # type: ignore[misc]
        """Changes the span in each hook; in ``_on_ending`` it is ended already."""

        def on_start(self, span: Any, parent_context: Any = None) -> None:
            span.set_attribute("processor.set", [1, "é"])
            span.set_attributes({"tenant": "t1", "a": None})
            span.add_event("started", {"n": 1}, 5)
            span.update_name(f"{span.name}!")

        def _on_ending(self, span: Any) -> None:
            span.set_attribute("too", "late")
            span.set_status(StatusCode.ERROR, "late")
            span.add_event("late")

        def on_end(self, span: Any) -> None:
            record.note("set before", "processor.set" in span.attributes)

    return Sets()


def _redacts(base: Any, record: Record) -> Any:
    class Redacts(base):  # type: ignore[misc]
        """Replaces what is secret before the processors after it see the span."""

        def on_end(self, span: Any) -> None:
            span._attributes = {key: "***" if "key" in key else value for key, value in span.attributes.items()}
            span._name = "redacted"

    return Redacts()


def _redacts_events(base: Any, record: Record) -> Any:
    class RedactsEvents(base):  # type: ignore[misc]
        def on_end(self, span: Any) -> None:
            span._events = [event for event in span.events if event.name != "exception"]
            span._links = ()

    return RedactsEvents()


def _raising(hook: str) -> Callable[[Any, Record], Any]:
    def build(base: Any, record: Record) -> Any:
        def raises(self: Any, span: Any, parent_context: Any = None) -> None:
            record.note(f"{hook} raises")
            raise Boom(hook)

        return type("Raises", (base,), {hook: raises})()

    return build


def _ends(base: Any, record: Record) -> Any:
    class Ends(base):  # type: ignore[misc]
        """Ends some spans as soon as they begin."""

        def on_start(self, span: Any, parent_context: Any = None) -> None:
            if len(str(span.name)) % 3 == 0:
                span.end()

    return Ends()


def _plain(base: Any, record: Record) -> Any:
    return base()


def _only_end(base: Any, record: Record) -> Any:
    class OnlyEnd(base):  # type: ignore[misc]
        def on_end(self, span: Any) -> None:
            record.note("only on_end", span.name if isinstance(span.name, str) else str(span.name), len(span.events))

    return OnlyEnd()


class _Duck:
    """The hooks without the base class."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self._record.note("duck on_start", dict(span.attributes))

    def _on_ending(self, span: Any) -> None:
        self._record.note("duck on_ending", dict(span.attributes))

    def on_end(self, span: Any) -> None:
        self._record.note("duck on_end", dict(span.attributes))

    def shutdown(self) -> None:
        self._record.note("duck shut down")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return False


PROCESSORS: dict[str, Callable[[Any, Record], Any]] = {
    "records": _records,
    "sets": _sets,
    "redacts": _redacts,
    "redacts events": _redacts_events,
    "raises at start": _raising("on_start"),
    "raises while ending": _raising("_on_ending"),
    "raises at end": _raising("on_end"),
    "ends": _ends,
    "plain": _plain,
    "only on_end": _only_end,
    "duck": lambda _, record: _Duck(record),
}
