"""Spans that are no plain ReadableSpan fresh from the SDK: other classes, and instances someone tampered with."""

from types import SimpleNamespace
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["ForeignSpan", "as_foreign", "as_subclass", "materialised", "with_changed_instance"]


class ForeignSpan:
    """A third party's span: the public attributes that the official encoder reads, and nothing else."""

    __slots__ = (
        "_context",
        "attributes",
        "dropped_attributes",
        "dropped_events",
        "dropped_links",
        "end_time",
        "events",
        "instrumentation_scope",
        "kind",
        "links",
        "name",
        "parent",
        "resource",
        "start_time",
        "status",
    )

    _context: Any

    def __init__(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)

    def get_span_context(self) -> Any:
        return self._context


class RenamedSpan(ReadableSpan):
    """A subclass whose public name and attributes differ from what the private fields hold."""

    @property
    def name(self) -> str:
        return f"renamed {self._name}"

    @property
    def attributes(self) -> Any:
        return {**(super().attributes or {}), "added.by": "subclass"}


def as_foreign(span: ReadableSpan) -> ForeignSpan:
    """The same span in classes of a third party, its events and links too."""
    return ForeignSpan(
        _context=span.get_span_context(),
        parent=span.parent,
        name=span.name,
        kind=span.kind,
        start_time=span.start_time,
        end_time=span.end_time,
        attributes=dict(span.attributes or {}),
        events=[
            SimpleNamespace(
                name=event.name,
                timestamp=event.timestamp,
                attributes=event.attributes,
                dropped_attributes=event.dropped_attributes,
            )
            for event in span.events
        ],
        links=[
            SimpleNamespace(
                context=link.context, attributes=link.attributes, dropped_attributes=link.dropped_attributes
            )
            for link in span.links
        ],
        status=span.status,
        resource=span.resource,
        instrumentation_scope=span.instrumentation_scope,
        dropped_attributes=span.dropped_attributes + 1,
        dropped_events=span.dropped_events,
        dropped_links=span.dropped_links,
    )


def as_subclass(span: ReadableSpan) -> ReadableSpan:
    """The same fields in a subclass that overrides properties."""
    other = RenamedSpan.__new__(RenamedSpan)
    other.__dict__.update(span.__dict__)
    return other


def materialised(span: ReadableSpan) -> ReadableSpan:
    """The span itself after somebody looked at its ``__dict__``, which changes how CPython stores the values."""
    vars(span)
    return span


def with_changed_instance(span: ReadableSpan) -> ReadableSpan:
    """The span itself with one field that nobody encodes deleted, one added, and one set again."""
    if "_instrumentation_info" in span.__dict__:
        del span._instrumentation_info
    span.added_by_application = span  # type: ignore[attr-defined]
    span._name = span._name
    return span
