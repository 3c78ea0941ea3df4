"""The books of delivery: what ``spanwire.stats()["traces"]`` says must add up, and agree with what has arrived."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from spanwire.sink import ReceivedSpan

__all__ = ["Accounts", "check_books", "check_once", "since", "total"]

Accounts = Mapping[str, Mapping[str, Any]]
"""``spanwire.stats()["traces"]``: the counts of each destination."""


def check_books(accounts: Accounts, *, at_rest: bool = True) -> None:
    """Nothing is lost silently; at rest nothing waits any more."""
    for destination, account in accounts.items():
        dropped = sum(account["dropped"].values())
        assert account["accepted"] == account["exported"] + account["queued"] + dropped, (destination, account)
        assert not at_rest or account["queued"] == 0, (destination, account)


def since(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """What one destination's account has grown by: the system gives a port again, and accounts go by the endpoint."""
    lost = before.get("dropped", {})
    dropped = {reason: count - lost.get(reason, 0) for reason, count in now["dropped"].items()}
    return {
        **{name: count - before.get(name, 0) for name, count in now.items() if isinstance(count, int)},
        "dropped": {reason: count for reason, count in dropped.items() if count},
        "last_error": now["last_error"],
    }


def check_once(spans: Iterable[ReceivedSpan]) -> None:
    """No span has arrived twice, and no two have the same id."""
    again = {span_id: times for span_id, times in Counter(span.span_id for span in spans).items() if times > 1}
    assert not again, again


def total(books: Iterable[Accounts], name: str) -> int:
    """Sum of one count over processes and destinations; ``dropped`` of all reasons."""
    counts = [account[name] for accounts in books for account in accounts.values()]
    return sum(sum(count.values()) if isinstance(count, dict) else count for count in counts)
