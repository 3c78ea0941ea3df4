"""What a batch processor does when its queue is full, how many of its requests may be under way, and how long its shutdown may take."""

import math
import os
import re
from dataclasses import dataclass

from spanwire._native import FrameQueue
from spanwire._settings import _defaults
from spanwire._telemetry import log

__all__ = ["QueuePolicy", "max_in_flight", "shutdown_seconds"]

POLICY_VARIABLE = "SPANWIRE_QUEUE_POLICY"
IN_FLIGHT_VARIABLE = "SPANWIRE_MAX_IN_FLIGHT"

SHUTDOWN_VARIABLE = "SPANWIRE_SHUTDOWN_TIMEOUT"

DEFAULT_SHUTDOWN_SECONDS = _defaults.seconds("batch processor", "shutdown_timeout")
DEFAULT_POLICY = _defaults.text("batch processor", "queue_policy")
MOST_SHUTDOWN_SECONDS = 30.0  # the SDK's limit
DEFAULT_BLOCK_SECONDS = 1.0
MOST_BLOCK_SECONDS = 60.0
MOST_IN_FLIGHT = 8

_CAN = 'there are "drop_oldest", "drop_newest" and "block(SECONDS)", up to 60 seconds'
_BLOCK = re.compile(r"block(?:\(\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*\))?")


@dataclass(frozen=True, slots=True)
class QueuePolicy:
    """What happens to a span for which there is no room."""

    name: str = DEFAULT_POLICY
    """``drop_oldest``, ``drop_newest`` or ``block``."""
    block_seconds: float = 0.0
    """How long the thread that ends a span waits for room at most."""

    @classmethod
    def resolve(cls, keyword: object) -> "QueuePolicy":
        """From the keyword, or the environment.

        :raises ValueError: if the keyword is none that there is.
        """
        if keyword is not None:
            policy = cls._parse(keyword) if isinstance(keyword, str) else None
            if policy is None:
                raise ValueError(f"queue_policy={keyword!r} is not valid; {_CAN}")
            return policy
        text = os.environ.get(POLICY_VARIABLE, "").strip()
        policy = cls._parse(text) if text else cls()
        if policy is None:
            log.warn("queue.policy", "Invalid %s=%r: %s; using drop_oldest", POLICY_VARIABLE, text, _CAN)
            return cls()
        return policy

    @classmethod
    def _parse(cls, text: str) -> "QueuePolicy | None":
        if text in {"drop_oldest", "drop_newest"}:
            return cls(text)
        match = _BLOCK.fullmatch(text)
        if match is None:
            return None
        seconds = DEFAULT_BLOCK_SECONDS if match[1] is None else float(match[1])
        return cls("block", seconds) if seconds <= MOST_BLOCK_SECONDS else None

    @property
    def may_share(self) -> bool:
        """Whether other processors may wait by the same bytes: one that refuses a span would keep it from them."""
        return self.name == "drop_oldest"

    def apply(self, queue: FrameQueue) -> FrameQueue:
        """The queue, which goes by it from now on."""
        if self.name != "drop_oldest":
            queue.set_policy(self.name, round(self.block_seconds * 1000))
        return queue


def max_in_flight(keyword: object) -> int:
    """Requests under way at once at most, from the keyword or the environment; 0: as the endpoint is near or far.

    :raises ValueError: if the keyword is no number from 1 to 8.
    """
    if keyword is not None:
        if not isinstance(keyword, int) or not 1 <= keyword <= MOST_IN_FLIGHT:
            raise ValueError(
                f"max_in_flight={keyword!r} is not valid; give a number of requests from 1 to {MOST_IN_FLIGHT}"
            )
        return keyword
    text = os.environ.get(IN_FLIGHT_VARIABLE, "").strip()
    if not text:
        return 0
    if text.isdecimal() and 1 <= int(text) <= MOST_IN_FLIGHT:
        return int(text)
    log.warn(
        "queue.in_flight",
        "Invalid %s=%r: a number of requests from 1 to 8 is needed; it is ignored",
        IN_FLIGHT_VARIABLE,
        text,
    )
    return 0


def shutdown_seconds(keyword: object) -> float:
    """Seconds that a shutdown waits for a backend that accepts nothing, from the keyword or the environment.

    :raises ValueError: if the keyword is no number from 0 to 30.
    """
    if keyword is not None:
        seconds = _seconds(keyword)
        if seconds is None:
            raise ValueError(
                f"shutdown_timeout={keyword!r} is not valid; give seconds from 0 to {MOST_SHUTDOWN_SECONDS:.0f}"
            )
        return seconds
    text = os.environ.get(SHUTDOWN_VARIABLE, "").strip()
    if not text:
        return DEFAULT_SHUTDOWN_SECONDS
    seconds = _seconds(text)
    if seconds is not None:
        return seconds
    log.warn(
        "queue.shutdown",
        "Invalid %s=%r: seconds from 0 to 30 are needed; using 5",
        SHUTDOWN_VARIABLE,
        text,
    )
    return DEFAULT_SHUTDOWN_SECONDS


def _seconds(value: object) -> float | None:
    """A number of seconds that a shutdown may take; None for all else."""
    try:
        seconds = float(value)  # type: ignore[arg-type]  # what is none raises
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= MOST_SHUTDOWN_SECONDS else None
