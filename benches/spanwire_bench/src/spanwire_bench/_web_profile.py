"""Whose code a request runs: cProfile's own times, summed up by package.

A C function counts for the package that called it, unless it is ours. Reading an attribute in C (``span.kind``) is no call, so it
counts for who reads. Every call of a Python function costs more under cProfile than without, so shares lean towards code of many
small functions; other threads, the server and the kernel are not in it.
"""

from __future__ import annotations

import cProfile
import pstats
from typing import Any

__all__ = ["GROUPS", "by_group", "group_of"]

GROUPS = {
    "instrumentation": ("/opentelemetry/instrumentation/", "/opentelemetry/util/http/"),
    "exporter": (
        "/opentelemetry/exporter/",
        "/opentelemetry/proto/",
        "/google/protobuf/",
        "/requests/",
        "/urllib3/",
    ),
    "SDK": ("/opentelemetry/sdk/",),
    "API": ("/opentelemetry/",),
    "null tracer": ("/spanwire_bench/_web_null.py",),
    "benchmark": ("/spanwire_bench/",),
    "spanwire": ("/spanwire/",),
    "framework": ("/site-packages/", "/dist-packages/"),
    "Python": ("",),
}


def group_of(path: str) -> str:
    """The first of GROUPS that has a part of ``path``."""
    return next(name for name, parts in GROUPS.items() if any(part in path for part in parts))


def by_group(profile: cProfile.Profile) -> dict[str, float]:
    """Own time in ns by group."""
    sums = dict.fromkeys(GROUPS, 0.0)
    stats: Any = pstats.Stats(profile)
    for (path, _, function), (_, _, own, _, callers) in stats.stats.items():
        if path != "~":  # a Python function
            sums[group_of(path)] += own * 1e9
        elif "spanwire." in function:
            sums["spanwire"] += own * 1e9
        else:
            sums["Python"] += (
                own - sum(part for _, _, part, _ in callers.values())
            ) * 1e9  # called from where it began
            for (caller, _, of_caller), (_, _, part, _) in callers.items():
                ours = caller == "~" and "spanwire." in of_caller
                sums["spanwire" if ours else group_of(caller)] += part * 1e9
    return sums
