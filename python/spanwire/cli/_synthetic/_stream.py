"""An endless stream of spans, decided by a seed: the same whatever cuts it into requests, and whoever makes which part."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spanwire.cli._synthetic._blocks import Block, Use
from spanwire.cli._synthetic._catalog import Catalog
from spanwire.cli._synthetic._tables import Tables
from spanwire.cli._synthetic._trees import templates
from spanwire.columnar import SpanColumns
from spanwire.columnar._columns import Array

__all__ = ["BLOCK_SPANS", "Part", "Shape", "Stream"]

BLOCK_SPANS = 16_384
_BLOCKS = 4  # different ones, each used again and again with new ids, times and values


@dataclass(frozen=True, slots=True)
class Shape:
    """What the traces look like."""

    services: int = 8
    depth: int = 6
    """Spans from the root to the deepest one, at most."""
    fan_out: int = 3
    """Operations that a span calls, at most."""
    error_rate: float = 0.02
    """Share of the traces in which something fails."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some spans in a row, which are whole traces; the stream's first span is number 0."""

    use: Use
    number: int
    """Of the block's first span in the stream."""
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first


class Stream:
    """Spans without end.

    :param spacing_ns: time from one trace's start to the next one's.
    """

    def __init__(self, shape: Shape, seed: int, *, spacing_ns: int = 0) -> None:
        choose = random.Random(f"spanwire generate {seed}")
        catalog = Catalog(shape.services, choose)
        grown = templates(catalog, depth=shape.depth, fan_out=shape.fan_out, choose=choose)
        self.shape = shape
        self.seed = seed
        self.spacing_ns = spacing_ns
        self.tables = Tables(catalog, grown)
        self._blocks: dict[int, Block] = {}

    def parts(self, most: int, *, process: int = 0, processes: int = 1, limit: int | None = None) -> Iterator[Part]:
        """Parts of about ``most`` spans or fewer (a trace that is larger is one part), in order.

        :param process: which one of ``processes`` takes part: each has its own blocks.
        :param limit: spans of the whole stream.
        """
        block = process
        while limit is None or block * BLOCK_SPANS < limit:
            number = block * BLOCK_SPANS
            use = self._block(block).draw(np.random.Generator(np.random.SFC64([self.seed, block])))
            last = BLOCK_SPANS if limit is None else min(BLOCK_SPANS, limit - number)
            for first, end in _cuts(use.block.begins, most, last):
                yield Part(use, number, first, end)
            block += processes

    def at(self, part: Part, start_ns: int) -> SpanColumns:
        """The spans of a part, in a stream whose first trace starts at ``start_ns``."""
        place = part.number // BLOCK_SPANS
        instance = part.use.block.instance[part.first : part.last]
        begin = start_ns + int(place * BLOCK_SPANS / self.tables.mean_size * self.spacing_ns)
        return part.use.columns(part.first, part.last, begin + instance * self.spacing_ns)

    def until(self, part: Part, end_ns: int) -> SpanColumns:
        """The spans of a part, the last of which ends at ``end_ns``."""
        rows = slice(part.first, part.last)
        times = part.use.block.instance[rows] * self.spacing_ns
        last = int((part.use.end[rows] + times).max())
        return part.use.columns(part.first, part.last, times + (end_ns - last))

    def _block(self, number: int) -> Block:
        which = number % _BLOCKS
        if which not in self._blocks:
            random = np.random.Generator(np.random.SFC64([self.seed, which, BLOCK_SPANS]))
            self._blocks[which] = Block(self.tables, BLOCK_SPANS, self.shape.error_rate, random)
        return self._blocks[which]


def _cuts(begins: Array, most: int, last: int) -> Iterator[tuple[int, int]]:
    """Slices of whole traces, of about ``most`` spans each where that can be; up to ``last``, where one may be cut."""
    first = 0
    while first < last:
        left = last - first
        pieces = max(1, round(left / most))
        end = last
        if pieces > 1:
            goal = first + left / pieces
            at = int(np.searchsorted(begins, goal))  # the last one is the block's end, so there is one
            before, behind = int(begins[at - 1]), int(begins[at])
            end = min(before if before > first and goal - before < behind - goal else behind, last)
        yield first, end
        first = end
