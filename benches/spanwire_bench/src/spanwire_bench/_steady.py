"""Spans at a steady rate, for so long: what benchmarks of memory and of CPU at a given load run."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["make"]

_BURST_SECONDS = 0.01
_PAUSE_SECONDS = 0.001


def make(
    burst: Callable[[int], object],
    *,
    rate: float,
    seconds: float,
    room: Callable[[int], bool] = lambda made: True,
    look: Callable[[int], object] = lambda made: None,
) -> int:
    """How many were made: ``rate`` × ``seconds``, or fewer if they cannot be made in that time, all of which passes.

    :param burst: makes as many as it is told, those of 10 ms; whoever is late makes several bursts without a pause between.
    :param room: whether more may be made when so many are; asked again after a pause.
    :param look: told of what is made after every burst.
    """
    made, wanted, size = 0, round(rate * seconds), max(1, round(rate * _BURST_SECONDS))
    begin = time.monotonic()
    end = begin + seconds
    while made < wanted and (now := time.monotonic()) < end:
        early = begin + made / rate - now
        if early > 0:
            time.sleep(early)
        elif not room(made):
            time.sleep(_PAUSE_SECONDS)
        else:
            count = min(size, wanted - made)
            burst(count)
            made += count
            look(made)
    time.sleep(max(0.0, end - time.monotonic()))
    return made
