"""Blocks: some ten thousand spans of many traces as columns, and what is drawn for them anew each time they are used.

What costs is done once a block: which spans there are, their names and attributes, what fails, the order in which times add up.
A use of it (:meth:`Block.draw`) draws ids, durations and what varies, all by numpy over whole columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from spanwire.cli._synthetic._tables import Attribute, Tables
from spanwire.columnar import Column, Dictionary, Events, Links, SpanColumns
from spanwire.columnar._columns import Array

__all__ = ["Block", "Use"]

_HANDLED = 0.25  # how often a caller gets over a failure of what it calls
_DELAY_NS = 4e6  # median time that a message waits
_MOST_NS = 3_600_000_000_000.0  # a tail longer than an hour is a mistake
ERROR = 2


@dataclass(slots=True)
class _Level:
    """The spans of one depth, which lie in a row in the order in which times are added up."""

    start: int
    end: int
    parent: Array
    """Where each one's parent is, in that order."""
    parents: Array
    """The same without repetitions."""
    first: Array
    """Where each parent's children begin, from ``start`` on."""
    turn: Array
    """Which of its parent's children each one is, from 1 on."""
    family: Array
    """Which of ``parents`` is each one's."""


@dataclass(frozen=True, slots=True)
class _Values:
    """An attribute of a block's spans."""

    attribute: Attribute
    first: Array
    """Numbers, or codes of the attribute's values: the least one to draw."""
    absent: Array | None
    """Where numbers are absent; None: nowhere, or the codes say it."""
    varying: Array
    """Of which spans it is drawn, and from how many."""
    choices: Array

    def draw(self, trace: Array, random: np.random.Generator) -> Array:
        """For one use of the block, with what was drawn for each trace, by span."""
        if not len(self.varying):
            return self.first
        if self.attribute.shared:
            drawn = trace[self.varying]
        else:
            drawn = random.integers(0, 1 << 32, len(self.varying), np.uint32)
        values: Array = self.first.copy()
        values[self.varying] += ((drawn * self.choices) >> np.uint64(32)).astype(np.int32)
        return values

    def column(self, values: Array, part: slice) -> Column:
        """Of the spans in ``part``."""
        if self.attribute.values is not None:
            return Column(Dictionary(values[part], self.attribute.values))
        return Column(values[part], None if self.absent is None else self.absent[part])


class _Cut:
    """Some of a block's spans: the columns that are the same in each use of it."""

    def __init__(self, block: Block, first: int, last: int) -> None:
        tables, events = block.tables, block.tables.events
        self.part = part = slice(first, last)
        self.attributes = {
            one.attribute.key: None if len(one.varying) else one.column(one.first, part) for one in block.values
        }
        self.name = Column(Dictionary(block.name[part], tables.names))
        self.message = Column(Dictionary(block.message[part], tables.messages))
        low, high = (int(block.event_bounds[at]) for at in (first, last))
        self.events = slice(low, high)
        self.event_offsets = block.event_bounds[first : last + 1] - low
        self.event_span = block.event_span[self.events] - first
        which = block.event[self.events]
        self.event_name = Column(Dictionary(events.name[which], events.names))
        self.event_attributes = {
            key: Column(Dictionary(codes[which], values)) for key, (codes, values) in events.attributes.items()
        }
        low, high = np.searchsorted(block.linked, (first, last)).tolist()
        self.link_to = block.link_to[low:high]
        self.link_offsets = np.searchsorted(block.linked[low:high], np.arange(first, last + 1))


class Block:
    """``rows`` spans; ``random`` decides which.

    :param error_rate: share of the traces in which something fails.
    """

    def __init__(self, tables: Tables, rows: int, error_rate: float, random: np.random.Generator) -> None:
        self.tables = tables
        self.rows = rows
        place = self._choose_traces(rows, random)
        self.depth = tables.depth[place]
        self._fail(tables.operation[place], error_rate, random)
        self.parallel = tables.parallel[place]
        self._order()
        self._prepare_attributes()
        self._prepare_events(random)
        self.group = tables.group[self.operation].astype(np.uint16)
        self.name = tables.name[self.operation].astype(np.int32)
        self.kind = tables.kind[self.operation]
        self.message = tables.message[self.operation]
        self._cuts: dict[tuple[int, int], _Cut] = {}  # few: blocks are cut in one way
        self.status = np.where(self.message >= 0, np.uint8(ERROR), np.uint8(0))

    def _choose_traces(self, rows: int, random: np.random.Generator) -> Array:
        """Instances of templates until there are enough spans; the last one is cut, which leaves each span its parent."""
        tables = self.tables
        sizes = np.diff(tables.first)
        chosen = np.empty(0, np.int64)
        while sizes[chosen].sum() < rows:
            chosen = np.concatenate([chosen, random.integers(0, len(sizes), rows // int(sizes.mean() + 1) + 8)])
        begin = np.concatenate([[0], np.cumsum(sizes[chosen])])
        chosen = chosen[: np.searchsorted(begin, rows, "left")]
        begin = begin[: len(chosen)]
        sizes = sizes[chosen]
        instance = np.repeat(np.arange(len(chosen)), sizes)[:rows]
        place: Array = np.arange(rows) - begin[instance] + tables.first[chosen][instance]
        parent = tables.parent[place]
        link = tables.link[place]
        self.begins = np.append(begin, rows)
        """Where instances begin, and the end of the last one: requests are cut there."""
        self.instance = instance
        self.parent = np.where(parent >= 0, parent + begin[instance], rows).astype(np.int64)
        """Each span's parent; ``rows`` for a root."""
        self.linked = np.flatnonzero(link >= 0)
        """Spans with a link, all of them roots, and where it leads."""
        self.link_to = link[self.linked] + begin[instance[self.linked]]
        root = self.parent == rows
        self.trace = np.cumsum(root) - 1
        # Messages lie in between: the traces of one instance do not overlap, so counting roots numbers them.
        self.roots = np.flatnonzero(root)
        return place

    def _fail(self, operation: Array, error_rate: float, random: np.random.Generator) -> None:
        """In some traces one span fails, and with it those that called it until one gets over it."""
        counts = np.diff(np.append(self.roots, self.rows))
        failing = np.flatnonzero(random.random(len(self.roots)) < error_rate)
        at = self.roots[failing] + (random.random(len(failing)) * counts[failing]).astype(np.int64)
        failed = np.zeros(self.rows + 1, np.bool_)
        while len(at):
            failed[at] = True
            at = self.parent[at]
            at = at[(at < self.rows) & (random.random(len(at)) >= _HANDLED)]
        self.operation = operation + np.where(failed[:-1], np.int32(self.tables.normal), np.int32(0))

    def _order(self) -> None:
        """Spans by depth, and those of one parent together: what each level adds up is then one slice."""
        order = np.lexsort((self.parent, self.depth))
        self.order = order
        place = np.empty(self.rows + 1, np.int64)
        place[order] = np.arange(self.rows)
        self.place = place[:-1]
        """Where each span is in that order."""
        tables = self.tables
        self.log_median = tables.log_median[self.operation[order]]
        self.sigma = tables.sigma[self.operation[order]]
        self.together = self.parallel[order]
        bounds = np.searchsorted(self.depth[order], np.arange(int(self.depth.max()) + 2))
        children = np.bincount(self.parent, minlength=self.rows + 1)[:-1][order]
        self.parts = children + 1
        self.levels = []
        for start, end in zip(bounds[1:-1].tolist(), bounds[2:].tolist(), strict=True):
            parent = place[self.parent[order[start:end]]]
            new = np.append(True, parent[1:] != parent[:-1])
            first = np.flatnonzero(new)
            family = np.cumsum(new) - 1
            turn = np.arange(end - start) - first[family] + 1
            self.levels.append(_Level(start, end, parent, parent[first], first, turn, family))

    def _prepare_attributes(self) -> None:
        self.values = []
        for attribute in self.tables.attributes:
            first = attribute.first[self.operation]
            choices = attribute.choices[self.operation]
            if choices.any():
                varying = np.flatnonzero(choices > 1)
                absent = None if attribute.values is not None or choices.all() else choices == 0
                self.values.append(_Values(attribute, first, absent, varying, choices[varying].astype(np.uint64)))

    def _prepare_events(self, random: np.random.Generator) -> None:
        tables = self.tables
        own = tables.own_event[self.operation]
        has_own = (own >= 0) & (random.random(self.rows) < tables.own_share[self.operation])
        exception = tables.exception[self.operation]
        spans = np.concatenate([np.flatnonzero(has_own), np.flatnonzero(exception >= 0)])
        events = np.concatenate([own[has_own], exception[exception >= 0]])
        late = np.repeat([False, True], [int(has_own.sum()), int((exception >= 0).sum())])
        by_span = np.argsort(spans, kind="stable")
        self.event_span, self.event, self.event_late = spans[by_span], events[by_span], late[by_span]
        self.event_bounds = np.searchsorted(self.event_span, np.arange(self.rows + 1))

    def cut(self, first: int, last: int) -> _Cut:
        """What belongs to the spans from ``first`` on to before ``last``."""
        if (first, last) not in self._cuts:
            self._cuts[first, last] = _Cut(self, first, last)
        return self._cuts[first, last]

    def draw(self, random: np.random.Generator) -> Use:
        """Ids, times and values for one use of the block."""
        return Use(self, random)


class Use:
    """One use of a block: its spans with ids, times and values of their own. Times count from the first trace's start."""

    def __init__(self, block: Block, random: np.random.Generator) -> None:
        self.block = block
        rows = block.rows
        self.span_id = _nonzero(random.integers(0, 1 << 64, rows + 1, np.uint64))
        self.span_id[rows] = 0  # what a root has as its parent's id
        self.trace_id = _nonzero(random.integers(0, 1 << 64, (len(block.roots), 2), np.uint64))
        self._draw_times(random)
        trace = random.integers(0, 1 << 32, len(block.roots), np.uint32)[block.trace]
        self.values = [one.draw(trace, random) for one in block.values]
        within = np.where(block.event_late, 1.0, random.random(len(block.event)))
        lasted = self.end[block.event_span] - self.start[block.event_span]
        self.event_time = self.start[block.event_span] + (within * lasted).astype(np.int64)

    def _draw_times(self, random: np.random.Generator) -> None:
        """Durations add up from the leaves to the roots, starts from the roots to the leaves. Whole nanoseconds, so exactly."""
        block = self.block
        drawn = random.standard_normal(block.rows, np.float32)
        drawn *= block.sigma
        drawn += block.log_median
        took = np.minimum(np.exp(drawn, out=drawn), _MOST_NS).astype(np.int64) + 1
        between = took // block.parts  # before, between and after the calls
        for level in reversed(block.levels):
            inner = took[level.start : level.end]
            sums = np.add.reduceat(inner, level.first)
            longest = np.maximum.reduceat(inner, level.first)
            took[level.parents] += np.where(block.together[level.parents], longest, sums)
        start = np.zeros(block.rows, np.int64)
        for level in block.levels:
            inner = took[level.start : level.end]
            before = np.cumsum(inner) - inner
            before -= before[level.first][level.family]
            before[block.together[level.parent]] = 0
            before += between[level.parent] * level.turn
            before += start[level.parent]
            start[level.start : level.end] = before
        self.start = start[block.place]
        self.end = self.start + took[block.place]
        if len(block.linked):
            delay = np.exp(random.standard_normal(len(block.linked), np.float32)) * _DELAY_NS
            shift = np.zeros(len(block.roots), np.int64)
            shift[block.trace[block.linked]] = self.end[block.link_to] + delay.astype(np.int64)
            moved = shift[block.trace]
            self.start += moved
            self.end += moved

    def columns(self, first: int, last: int, times: Array) -> SpanColumns:
        """The spans from ``first`` on to before ``last``, both of which are in ``block.begins``, or the end.

        :param times: nanoseconds since the epoch, for each of these spans: when its instance of a template starts.
        """
        block = self.block
        cut = block.cut(first, last)
        part = cut.part
        attributes: dict[str, Any] = {}
        for one, values in zip(block.values, self.values, strict=True):
            key = one.attribute.key
            fixed = cut.attributes[key]
            attributes[key] = one.column(values, part) if fixed is None else fixed
        return SpanColumns(
            trace_id=_ids(self.trace_id[block.trace[part]], 16),
            span_id=_ids(self.span_id[part], 8),
            parent_span_id=_ids(self.span_id[block.parent[part]], 8),
            start=(self.start[part] + times).view(np.uint64),
            end=(self.end[part] + times).view(np.uint64),
            name=cut.name,
            kind=block.kind[part],
            attributes=attributes,
            events=self._events(cut, times),
            links=self._links(cut),
            status_code=block.status[part],
            status_message=cut.message,
            groups=block.tables.groups,
            group=block.group[part],
        )

    def _events(self, cut: _Cut, times: Array) -> Events | None:
        if not len(cut.event_span):
            return None
        time = self.event_time[cut.events] + times[cut.event_span]
        return Events(cut.event_offsets, time.view(np.uint64), cut.event_name, attributes=cut.event_attributes)

    def _links(self, cut: _Cut) -> Links | None:
        to = cut.link_to
        if not len(to):
            return None
        trace_id = self.trace_id[self.block.trace[to]]
        return Links(cut.link_offsets, _ids(trace_id, 16), _ids(self.span_id[to], 8))


def _ids(numbers: Array, width: int) -> Array:
    return numbers.view(np.uint8).reshape(-1, width)


def _nonzero(ids: Array) -> Array:
    ids[ids == 0] = 1
    return ids
