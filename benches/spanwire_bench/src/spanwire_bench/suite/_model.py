"""What a run of the whole suite comes to: one document of outcomes, which the table, the report and comparisons are made from.

An outcome is a scenario's rows, one for each side (and, in curves, for each place on the axis), with a sample for every round. What
is drawn beside them (histograms, memory over time) hangs on the row. ``as_json`` and ``from_json`` are each other's inverse, so an
old file is as good as a fresh run.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["QUARTILES_FROM", "SCHEMA", "BadDocument", "Document", "Histogram", "Outcome", "Plot", "Row"]

SCHEMA = 2
QUARTILES_FROM = 8
"""Rounds: of fewer, quartiles are so narrow that every fifth pair of equal sides would seem to differ."""
Plot = Literal["bars", "curve", "histogram", "series"]


class BadDocument(Exception):
    """A file that is no document of a suite, or of another schema; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts between ascending ``edges`` (one more than there are ``counts``), in the outcome's unit."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def as_json(self) -> dict[str, object]:
        return {"edges": list(self.edges), "counts": list(self.counts)}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Histogram:
        """Raises KeyError."""
        return cls(tuple(said["edges"]), tuple(said["counts"]))


@dataclass(frozen=True, slots=True)
class Row:
    """One side in one outcome.

    :param side: a name in ``_sides.SIDES``.
    :param samples: in the outcome's unit, one a round, in the order in which they were taken.
    :param at: the place on a curve's axis (threads, rows, …), or a quantile (0 to 1) of a histogram; None for bars and series.
    :param instructions: of the CPU a unit of work, where the machine counts them.
    :param delivered: spans that the receiver had of this side, in all rounds, where there was one.
    :param spans_a_request: on average.
    :param histogram: of all rounds together.
    :param series: (seconds since the beginning, value in the outcome's unit), of the first round.
    :param note: what a reader has to know of this row.
    """

    side: str
    samples: tuple[float, ...]
    at: float | None = None
    instructions: float | None = None
    delivered: int | None = None
    spans_a_request: float | None = None
    histogram: Histogram | None = None
    series: tuple[tuple[float, float], ...] = ()
    note: str = ""

    @property
    def minimum(self) -> float:
        return min(self.samples)

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def maximum(self) -> float:
        return max(self.samples)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Lower and upper; of fewer than ``QUARTILES_FROM`` samples the least and the most."""
        if len(self.samples) < QUARTILES_FROM:
            return self.minimum, self.maximum
        lower, _, upper = statistics.quantiles(self.samples, n=4, method="inclusive")
        return lower, upper

    @property
    def spread(self) -> float:
        """How far the rounds are apart, as a part of the median; 0 where that is 0."""
        return (self.maximum - self.minimum) / self.median if self.median else 0.0

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``; ``minimum`` to ``spread`` are there for readers, ``samples`` say all."""
        said: dict[str, object] = {
            "side": self.side,
            "samples": list(self.samples),
            "minimum": self.minimum,
            "median": self.median,
            "maximum": self.maximum,
            "spread": self.spread,
        }
        for name in ("at", "instructions", "delivered", "spans_a_request"):
            if (value := getattr(self, name)) is not None:
                said[name] = value
        if self.histogram is not None:
            said["histogram"] = self.histogram.as_json()
        if self.series:
            said["series"] = [list(point) for point in self.series]
        if self.note:
            said["note"] = self.note
        return said

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Row:
        """Raises KeyError."""
        histogram = said.get("histogram")
        return cls(
            said["side"],
            tuple(said["samples"]),
            at=said.get("at"),
            instructions=said.get("instructions"),
            delivered=said.get("delivered"),
            spans_a_request=said.get("spans_a_request"),
            histogram=None if histogram is None else Histogram.from_json(histogram),
            series=tuple((point[0], point[1]) for point in said.get("series", ())),
            note=said.get("note", ""),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one scenario.

    :param name: ``group/case``, such as ``export/W5``; the same in every run.
    :param title: a short line for people.
    :param what: what was measured and how, a sentence or two.
    :param unit: of every value: ``ns``, ``bytes``, ``spans/s``.
    :param per: what the values are of: ``span``, ``call``, ``process``.
    :param reference: the side that the others are compared with; None: there is nothing to compare.
    :param goal: the ratio (reference ÷ spanwire, or its inverse where more is better) that is asked for.
    :param peer_goals: by side, the same of that side beside spanwire: 1 is to be better than it.
    :param axis: the title of a curve's axis, or of a histogram's.
    :param stretches: of the time of a series, what is to be marked: from when to when (in seconds) what was the case.
    """

    name: str
    title: str
    what: str
    rows: tuple[Row, ...]
    unit: str = "ns"
    per: str = "span"
    plot: Plot = "bars"
    reference: str | None = "sdk"
    lower_is_better: bool = True
    goal: float | None = None
    axis: str = ""
    stretches: tuple[tuple[float, float, str], ...] = ()
    peer_goals: Mapping[str, float] = field(default_factory=dict)

    @property
    def group(self) -> str:
        return self.name.partition("/")[0]

    def row(self, side: str, at: float | None = None) -> Row | None:
        """None if that was not measured."""
        return next((row for row in self.rows if row.side == side and row.at == at), None)

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        stretches = {"stretches": [list(one) for one in self.stretches]} if self.stretches else {}
        return {
            "name": self.name,
            "title": self.title,
            "what": self.what,
            "unit": self.unit,
            "per": self.per,
            "plot": self.plot,
            "reference": self.reference,
            "lower_is_better": self.lower_is_better,
            "goal": self.goal,
            "axis": self.axis,
            **stretches,
            **({"peer_goals": dict(self.peer_goals)} if self.peer_goals else {}),
            "rows": [row.as_json() for row in self.rows],
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Outcome:
        """Raises KeyError."""
        return cls(
            said["name"],
            said["title"],
            said["what"],
            tuple(map(Row.from_json, said["rows"])),
            unit=said["unit"],
            per=said["per"],
            plot=said["plot"],
            reference=said["reference"],
            lower_is_better=said["lower_is_better"],
            goal=said["goal"],
            axis=said["axis"],
            stretches=tuple((one[0], one[1], one[2]) for one in said.get("stretches", ())),
            peer_goals=said.get("peer_goals", {}),
        )


@dataclass(frozen=True, slots=True)
class Document:
    """A run of the suite.

    :param command: as it was typed.
    :param started: UTC, ISO 8601.
    :param seconds: how long it took.
    :param complete: whether every scenario that was asked for is there (a run can be interrupted).
    :param environment: ``_measure.environment()``.
    :param method: how it was measured, by name.
    :param sides: by name, what each side is: ``label``, ``language``, ``what``, ``version``.
    :param left_out: sides or scenarios that are not there, by name, and why.
    """

    command: str
    started: str
    seconds: float
    complete: bool
    environment: Mapping[str, Any]
    method: Mapping[str, Any]
    sides: Mapping[str, Mapping[str, Any]]
    outcomes: Sequence[Outcome]
    left_out: Mapping[str, str] = field(default_factory=dict)

    def outcome(self, name: str) -> Outcome | None:
        """None if it is not there."""
        return next((one for one in self.outcomes if one.name == name), None)

    def as_json(self) -> dict[str, object]:
        """See ``benches/README.md``."""
        return {
            "command": self.command,
            "schema": SCHEMA,
            "started": self.started,
            "seconds": self.seconds,
            "complete": self.complete,
            "environment": dict(self.environment),
            "method": dict(self.method),
            "sides": {name: dict(side) for name, side in self.sides.items()},
            "left_out": dict(self.left_out),
            "scenarios": [one.as_json() for one in self.outcomes],
        }

    @classmethod
    def from_json(cls, said: Any) -> Document:
        """Raises BadDocument."""
        if not isinstance(said, dict) or "scenarios" not in said:
            raise BadDocument("it is no result of `spanwire bench --json`: it has no scenarios")
        if said.get("schema") != SCHEMA:
            raise BadDocument(f"it has schema {said.get('schema')}, this version reads {SCHEMA}")
        try:
            return cls(
                said["command"],
                said["started"],
                said["seconds"],
                said["complete"],
                said["environment"],
                said["method"],
                said["sides"],
                tuple(map(Outcome.from_json, said["scenarios"])),
                said["left_out"],
            )
        except (KeyError, TypeError, IndexError, ValueError, AttributeError) as error:
            raise BadDocument(f"it is damaged: {error!r}") from None
