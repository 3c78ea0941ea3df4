"""What must be true of a run of ``benches.outage``, whatever the machine: no timing is judged here."""

from typing import Any

__all__ = ["broken"]

MOST_BYTES = 64 << 20  # the queue's default
IN_HAND = 2_048  # spans of the request that is being tried, besides those that wait behind it
AROUND = 1.25  # what memory takes for so many bytes of spans at most: indexes, requests under way
GROWN = 4 << 20  # bytes by which memory may move while nothing more is kept
FLUSH_LIMIT, SHUTDOWN_LIMIT = 5.0, 35.0  # seconds beyond what was asked for; that of shutdown has 30 of its own


def broken(result: dict[str, Any]) -> list[str]:
    """What is not as it should be; empty if all is."""
    counts = result["counts"]
    dropped = sum(counts["dropped"].values())
    wrong = []
    if counts["accepted"] != result["made"]:
        wrong.append(f"made {result['made']:,}, accepted {counts['accepted']:,}")
    if counts["accepted"] != counts["exported"] + counts["queued"] + dropped or counts["queued"]:
        wrong.append(f"the books do not add up: {counts}")
    if result["arrived"] < counts["exported"]:
        wrong.append(f"exported {counts['exported']:,}, arrived {result['arrived']:,}")
    if result["is_for_good"]:
        wrong += _of_a_dead_backend(result)
    elif dropped:
        wrong.append(f"lost {dropped:,}: {counts['dropped']}")
    elif not result["flushed"]:
        wrong.append("the flush at the end was in vain")
    return wrong


def _of_a_dead_backend(result: dict[str, Any]) -> list[str]:
    wrong = []
    phases, dropped = result["phases"], result["counts"]["dropped"]
    if unexpected := dropped.keys() - {"queue_full", "exhausted", "shutdown"}:
        wrong.append(f"dropped for {sorted(unexpected)}")
    if result["flushed"]:
        wrong.append("a flush that nobody answered says that all is sent")
    if result["flush_seconds"] > result["flush_limit"] + FLUSH_LIMIT:
        wrong.append(f"the flush took {result['flush_seconds']:.1f} s of {result['flush_limit']:g}")
    if result["shutdown_seconds"] > SHUTDOWN_LIMIT:
        wrong.append(f"the shutdown took {result['shutdown_seconds']:.1f} s")
    if not dropped.get("queue_full"):
        wrong.append("the queue was never full: more --seconds, a higher --rate or a smaller --queue")
        return wrong
    if result["queue"] is None:
        most = phases["before"]["most_resident"] + int(MOST_BYTES * AROUND)
        if phases["full"]["most_resident"] > most:
            wrong.append(
                f"memory {phases['full']['most_resident']:,} bytes, of which {most:,} are the bound's and normal's"
            )
    elif result["waited"] > result["queue"] + IN_HAND:
        wrong.append(f"{result['waited']:,} spans have waited, and the bound is {result['queue']:,} and {IN_HAND:,}")
    if (grown := phases["full"]["grown"]) > GROWN:
        wrong.append(f"memory has grown by {grown:,} bytes while the queue was full")
    return wrong
