"""Templates of traces: who calls whom, how deep and how wide, drawn once and used many times."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from spanwire.cli._synthetic._catalog import Catalog, Operation, Service

__all__ = ["MOST_DEPTH", "MOST_SPANS", "Template", "templates"]

MOST_DEPTH = 64
MOST_SPANS = 2_000
"""Of one template: depth and fan-out together could ask for more spans than there is memory."""

_TEMPLATES = 256
_ALL_SPANS = 40_000  # of all templates together, about; fewer templates where they are large
_LEAST = 8


@dataclass(slots=True)
class Template:
    """Spans in an order in which each comes after its parent and after what it is linked to.

    The spans of a trace and those of the traces that its messages start.
    """

    operations: list[Operation] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    """Places in this template; -1 for a root."""
    depths: list[int] = field(default_factory=list)
    """0 for a root."""
    traces: list[int] = field(default_factory=list)
    """Which of the template's traces."""
    links: list[int] = field(default_factory=list)
    """The place of the message that started this trace, at its root; elsewhere -1."""
    parallel: list[bool] = field(default_factory=list)
    """Whether what this span calls runs at the same time."""

    def __len__(self) -> int:
        return len(self.parents)


def templates(catalog: Catalog, *, depth: int, fan_out: int, choose: random.Random) -> list[Template]:
    """Many templates, at most ``depth`` spans deep; a span calls up to ``fan_out`` operations."""
    grown: list[Template] = []
    spans = 0
    while len(grown) < _TEMPLATES and (spans < _ALL_SPANS or len(grown) < _LEAST):
        template = _Grower(catalog, depth, fan_out, choose).grow()
        spans += len(template)
        grown.append(template)
    return grown


class _Grower:
    def __init__(self, catalog: Catalog, depth: int, fan_out: int, choose: random.Random) -> None:
        self._services = catalog.services
        self._depth = depth
        self._fan_out = fan_out
        self._choose = choose
        self._template = Template()
        self._sent: list[tuple[int, Operation]] = []  # messages: where, and what is done with them
        # Not every request is a deep one.
        self._levels = depth if choose.random() < 0.5 else choose.randint(min(2, depth), depth)

    def grow(self) -> Template:
        """One request from outside, and the messages that it leads to."""
        entry = self._services[0]
        self._work(self._add(self._choose.choice(entry.endpoints), -1), entry)
        sent, self._sent = self._sent, []
        for trace, (place, operation) in enumerate(sent, start=1):
            root = self._add(operation, -1, trace=trace, link=place)
            self._work(root, self._services[operation.service], messages=False)
        return self._template

    def _add(self, operation: Operation, parent: int, *, trace: int | None = None, link: int = -1) -> int:
        template = self._template
        template.operations.append(operation)
        template.parents.append(parent)
        template.depths.append(template.depths[parent] + 1 if parent >= 0 else 0)
        template.traces.append(template.traces[parent] if parent >= 0 else trace or 0)
        template.links.append(link)
        template.parallel.append(False)
        return len(template) - 1

    def _work(self, place: int, service: Service, *, messages: bool = True) -> None:
        """What the span at ``place`` calls, and what that calls."""
        template, choose = self._template, self._choose
        left = self._levels - template.depths[place] - 1
        if left <= 0:
            return
        template.parallel[place] = choose.random() < 0.3
        for _ in range(choose.randint(1, self._fan_out)):
            if len(template) >= MOST_SPANS:
                return
            luck = choose.random()
            if luck < 0.45 and service.calls and left >= 2:
                client, endpoint = choose.choice(service.calls)
                inner = self._add(endpoint, self._add(client, place))
                self._work(inner, self._services[endpoint.service], messages=messages)
            elif luck < 0.55 and messages and service.messages:
                publish, process = choose.choice(service.messages)
                self._sent.append((self._add(publish, place), process))
            elif luck < 0.7:
                self._work(self._add(choose.choice(service.functions), place), service, messages=messages)
            else:
                self._add(choose.choice(service.leaves), place)
