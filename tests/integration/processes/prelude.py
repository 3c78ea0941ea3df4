"""What the programs of these tests begin with: spans with the number of their process, and books that are left behind."""

import atexit
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spanwire import stats

__all__ = ["BOOKS", "make", "write_books", "write_books_at_exit"]

BOOKS = "BOOKS_OF_THIS_TEST"
"""Environment variable: the folder that each process writes its books into."""


def make(tracer: Any, count: int, name: str = "span", **attributes: str | int) -> None:
    """Spans that tell which process has made them."""
    for _ in range(count):
        with tracer.start_as_current_span(name, attributes={"process.pid": os.getpid(), **attributes}):
            pass


def write_books(**more: object) -> Mapping[str, Mapping[str, Any]]:
    """Leave the counts of this process behind, and whatever else the test wants to know."""
    accounts: dict[str, dict[str, Any]] = stats()["traces"]
    path = Path(os.environ[BOOKS], f"{os.getpid()}.json")
    path.with_suffix(".new").write_text(json.dumps({"traces": accounts, **more}), encoding="utf-8")
    path.with_suffix(".new").replace(path)
    return accounts


def write_books_at_exit() -> None:
    """To be called before anything else registers at exit: then it is the last to run, in forked children too."""
    atexit.register(write_books)
