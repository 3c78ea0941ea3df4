"""What operations and templates are to numpy: a row for each operation, a row for each span of each template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spanwire.cli._synthetic._catalog import Catalog, Event, Number, Operation, Value, Varying
from spanwire.cli._synthetic._trees import Template
from spanwire.columnar import Dictionary, Group, Strings
from spanwire.columnar._columns import Array

__all__ = ["Attribute", "Events", "Tables"]

ABSENT = -1


class _Pool:
    """Different values, numbered."""

    def __init__(self) -> None:
        self._codes: dict[object, int] = {}
        self.values: list[Any] = []

    def code(self, value: object) -> int:
        """The number of one value."""
        key = (type(value), value)
        if key not in self._codes:
            self._codes[key] = len(self.values)
            self.values.append(value)
        return self._codes[key]

    def run(self, values: Sequence[object]) -> int:
        """The number of the first of these, which follow one another."""
        first = len(self.values)
        self.values.extend(values)
        return first

    def column(self) -> Any:
        """What a Dictionary takes as its values."""
        if all(isinstance(value, str) for value in self.values):
            return Strings.of(self.values)
        return np.asarray(self.values)

    def dictionary(self, codes: Array) -> Dictionary:
        """Values by their numbers."""
        return Dictionary(codes, self.column())


@dataclass(slots=True)
class Attribute:
    """One key: for each operation the number of its value, or of the first of those to draw from."""

    key: str
    first: Array
    """int32: into ``values``, or the least number itself; ABSENT without the attribute in ``values``."""
    choices: Array
    """uint32: how many to draw from; 0 without the attribute."""
    values: Any
    """Of a Dictionary; None for numbers."""
    shared: bool
    """Whether all spans of a trace have the same."""


@dataclass(slots=True)
class Events:
    """The events of all operations, numbered: names and attributes."""

    names: Any
    name: Array
    attributes: dict[str, tuple[Array, Any]]
    """By key: for each event the number of its value or ABSENT, and the values."""


class Tables:
    """Operations by number, each a second time as it fails (number + ``normal``), and the spans of all templates in a row."""

    def __init__(self, catalog: Catalog, templates: Sequence[Template]) -> None:
        numbers: dict[int, int] = {}
        operations: list[Operation] = []
        for template in templates:
            for operation in template.operations:
                if id(operation) not in numbers:
                    numbers[id(operation)] = len(operations)
                    operations.append(operation)
        self.normal = len(operations)
        names, messages, groups = _Pool(), _Pool(), _Pool()
        both = operations * 2
        self.name = np.array([names.code(one.name) for one in both], np.int32)
        self.names = names.column()
        self.kind = np.array([one.kind for one in both], np.uint8)
        self.group = np.array([groups.code((one.service, one.scope)) for one in both], np.int32)
        self.groups = [Group(catalog.services[service].resource, _scope(scope)) for service, scope in groups.values]
        self.message = np.array(
            [ABSENT] * self.normal + [messages.code(one.failure.message) for one in operations], np.int32
        )
        self.messages = messages.column()
        self.log_median = np.array([np.log(one.median_ms * 1e6) for one in both], np.float32)
        self.sigma = np.array([one.sigma for one in both], np.float32)
        self.attributes = list(_attributes(operations))
        own = [one.event for one in operations]
        self.events, places = _events([*own, *(one.failure.exception for one in operations)])
        self.own_event = np.array(places[: self.normal] * 2, np.int32)
        self.own_share = np.array([event.share if event else 0.0 for event in own] * 2, np.float32)
        self.exception = np.array([ABSENT] * self.normal + places[self.normal :], np.int32)

        sizes = [len(template) for template in templates]
        self.first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
        """Where each template's spans begin, and the end of the last one's."""
        every = [one for template in templates for one in template.operations]
        self.operation = np.array([numbers[id(one)] for one in every], np.int32)
        self.parent = _join(templates, "parents", np.int32)
        self.depth = _join(templates, "depths", np.int32)
        self.trace = _join(templates, "traces", np.int32)
        self.link = _join(templates, "links", np.int32)
        self.parallel = _join(templates, "parallel", np.bool_)
        self.mean_size = float(np.mean(sizes))


def _join(templates: Sequence[Template], name: str, dtype: Any) -> Array:
    return np.concatenate([np.asarray(getattr(template, name), dtype) for template in templates])


def _scope(name: str) -> Any:
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    return InstrumentationScope(name, "0.66b0" if name.startswith("opentelemetry.") else "1.0.0")


def _attributes(operations: Sequence[Operation]) -> Iterable[Attribute]:
    """Each key that any operation has, in an order in which each operation's own is kept about."""
    kept: list[dict[str, Value]] = [one.attributes for one in operations]
    kept += [one.attributes | one.failure.attributes for one in operations]
    for key in dict.fromkeys(key for attributes in kept for key in attributes):
        values = [attributes.get(key) for attributes in kept]
        numbers = [value for value in values if isinstance(value, Number)]
        if numbers:
            ranges = [value if isinstance(value, Number) else Number(0, 0) for value in values]
            yield Attribute(
                key,
                np.array([one.low for one in ranges], np.int32),
                np.array([one.high - one.low for one in ranges], np.uint32),
                None,
                numbers[0].shared,
            )
            continue
        pool = _Pool()
        runs: dict[tuple[object, ...], int] = {}
        first = np.full(len(values), ABSENT, np.int32)
        choices = np.zeros(len(values), np.uint32)
        for number, value in enumerate(values):
            if isinstance(value, Varying):
                if value.values not in runs:
                    runs[value.values] = pool.run(value.values)
                first[number], choices[number] = runs[value.values], len(value.values)
            elif value is not None:
                first[number], choices[number] = pool.code(value), 1
        shared = all(value.shared for value in values if isinstance(value, Varying))
        yield Attribute(key, first, choices, pool.column(), shared)


def _events(events: Sequence[Event | None]) -> tuple[Events, list[int]]:
    """All events, and for each given one its number or ABSENT."""
    numbers: dict[int, int] = {}
    kept: list[Event] = []
    places = []
    for event in events:
        if event is None:
            places.append(ABSENT)
            continue
        if id(event) not in numbers:
            numbers[id(event)] = len(kept)
            kept.append(event)
        places.append(numbers[id(event)])
    names = _Pool()
    name = np.array([names.code(event.name) for event in kept], np.int32)
    attributes = {}
    for key in dict.fromkeys(key for event in kept for key in event.attributes):
        pool = _Pool()
        codes = [pool.code(event.attributes[key]) if key in event.attributes else ABSENT for event in kept]
        attributes[key] = (np.array(codes, np.int32), pool.column())
    return Events(names.column(), name, attributes), places
