"""What each way took, and how many times that of another."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from spanwire.cli._shop_run import WAYS, Way

__all__ = ["Cost", "Costs", "Reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """One round of one way.

    :param delivered: spans that arrived, warm-up included.
    """

    spans: int
    cpu_ns: int
    delivered: int
    requests: int


@dataclass(frozen=True, slots=True)
class Cost:
    """One way in all rounds: ns of CPU a span, of all threads."""

    way: Way
    readings: tuple[Reading, ...]

    @property
    def samples(self) -> list[float]:
        return [one.cpu_ns / one.spans for one in self.readings]

    @property
    def minimum(self) -> float:
        return min(self.samples)

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def as_json(self, reference: Cost | None) -> dict[str, object]:
        """See ``benches/README.md``."""
        samples = self.samples
        delivered = sum(one.delivered for one in self.readings)
        return {
            "what": WAYS[self.way],
            "minimum": min(samples),
            "median": self.median,
            "maximum": max(samples),
            "spread": (max(samples) - min(samples)) / self.median,
            "rounds": len(samples),
            "spans_per_round": round(statistics.median(one.spans for one in self.readings)),
            "delivered": delivered,
            "spans_per_request": delivered / sum(one.requests for one in self.readings),
            "samples": samples,
            "sdk_times": None
            if reference is None
            else {
                "ratio_of_minima": reference.minimum / self.minimum,
                "ratio_of_medians": reference.median / self.median,
            },
            "note": "",
        }


@dataclass(frozen=True, slots=True)
class Costs:
    """Of all ways that were measured."""

    ways: Sequence[Cost]

    def of(self, way: Way) -> Cost | None:
        return next((cost for cost in self.ways if cost.way == way), None)

    def sdk_times(self, way: Way) -> float | None:
        """How many times the CPU of ``way`` the SDK takes, by minima; None if one of both was not measured."""
        reference, cost = self.of("sdk"), self.of(way)
        return None if reference is None or cost is None else reference.minimum / cost.minimum

    def as_json(self) -> dict[str, object]:
        return {cost.way: cost.as_json(self.of("sdk")) for cost in self.ways}
