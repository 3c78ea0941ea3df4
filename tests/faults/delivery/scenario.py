"""What a scenario is, and what must come of one. Its seconds are those of the full play; ``--scale`` shortens them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tests.faults.delivery.world import Result, World

_P = TypeVar("_P", bound="Callable[[World], Result | str]")

__all__ = ["SCENARIOS", "Scenario", "lost_only", "nothing_lost", "scenario"]


@dataclass(frozen=True)
class Scenario:
    """A named fault."""

    name: str
    play: Callable[[World], Result | str]
    doc: str


SCENARIOS: dict[str, Scenario] = {}


def scenario(play: _P) -> _P:
    """Takes a play into the list, under its function's name."""
    name = play.__name__.replace("_", " ")
    SCENARIOS[name] = Scenario(name, play, (play.__doc__ or "").strip())
    return play


def nothing_lost(result: Result, *, again: bool) -> Result:
    """``again``: whether spans may have arrived twice, since an answer or a connection was lost."""
    assert not result.dropped, str(result)
    assert result.arrived == result.made, str(result)
    assert again or not result.again, str(result)
    return result


def lost_only(result: Result, *reasons: str, again: bool = True) -> Result:
    """Spans are lost, for these reasons alone, and the books say how many."""
    assert result.dropped, str(result)
    assert result.dropped.keys() <= set(reasons), str(result)
    assert again or not result.again, str(result)
    return result
