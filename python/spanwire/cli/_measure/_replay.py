"""Makes recorded traces again through the OpenTelemetry API, each span current while the spans below it are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

__all__ = ["Replay"]


@dataclass(slots=True)
class _Template:
    """A recorded span, ready to be made."""

    tracer: Tracer
    name: str
    kind: SpanKind
    attributes: Mapping[str, Any]
    events: Sequence[tuple[str, Mapping[str, Any]]]
    status: Status | None
    context: Context | None  # None: the current one
    links: Sequence[tuple[_Template, Mapping[str, Any]]] = ()
    children: list[_Template] = field(default_factory=list)
    is_linked_to: bool = False
    made: SpanContext | None = None

    def make(self) -> None:
        links = [Link(cause.made, attributes) for cause, attributes in self.links if cause.made is not None]
        with self.tracer.start_as_current_span(
            self.name, self.context, self.kind, links=links, record_exception=False, set_status_on_exception=False
        ) as span:
            span.set_attributes(self.attributes)
            for child in self.children:
                child.make()
            for name, attributes in self.events:
                span.add_event(name, attributes)
            if self.status is not None:
                span.set_status(self.status)
            if self.is_linked_to:
                self.made = span.get_span_context()


class Replay:
    """All traces of a recording, by the tracers of ``provider``. Times are those of now."""

    def __init__(self, provider: TracerProvider, recorded: Sequence[Mapping[str, Any]]) -> None:
        tracers: dict[tuple[str, ...], Tracer] = {}
        self._roots: list[_Template] = []
        traces: list[list[_Template]] = []
        for one in recorded:
            templates = []
            for told in one["spans"]:
                scope = tuple(told["scope"])
                templates.append(_template(told, tracers.setdefault(scope, provider.get_tracer(*scope))))
            for template, told in zip(templates, one["spans"], strict=True):
                parent = told.get("parent")
                (self._roots if parent is None else templates[parent].children).append(template)
            traces.append(templates)
        for templates, one in zip(traces, recorded, strict=True):
            for template, told in zip(templates, one["spans"], strict=True):
                template.links = [(traces[place][index], attributes) for place, index, attributes in told["links"]]
                for cause, _ in template.links:
                    cause.is_linked_to = True
        self.spans = sum(map(len, traces))

    def step(self) -> None:
        """Make :attr:`spans` spans."""
        for root in self._roots:
            root.make()


def _template(told: Mapping[str, Any], tracer: Tracer) -> _Template:
    status = None
    if "status" in told:
        code, description = told["status"]
        status = Status(StatusCode[code], description)
    context = None if "parent" in told else Context()
    return _Template(tracer, told["name"], SpanKind[told["kind"]], told["attributes"], told["events"], status, context)
