"""What a population of programs reaches, as the lines of their runs on the SDK tell."""

import re
from collections import Counter
from collections.abc import Iterable

__all__ = ["FEATURES", "census", "shares"]

# A feature of a program: a pattern that one of its lines matches; and the least share of programs that have it, in percent.
FEATURES: dict[str, tuple[str, float]] = {
    "span ended": (r"^frame |end_time=now", 15),
    "exported": (r"^frame ", 10),
    "child": (r"parent=ctx", 6),
    "remote parent": (r"parent=ctx[^=]*flags=\d TraceFlags, remote=True", 0.6),
    "trace state": (r"context=ctx[^'\"]*state '[^']", 0.6),
    "unsampled": (r"name=raised AttributeError", 5),
    "recorded only": (r"recording=\w+, name=.*context=ctx\([^,]*, [^,]*, flags=[02]", 0.6),
    "attribute evicted": (r"Attributes dict is full", 1.5),
    "event evicted": (r"dropped_events=[1-9]", 0.16),
    "link evicted": (r"dropped_links=[1-9]", 0.1),
    "attributes dropped": (r"dropped_attributes=[1-9]", 3),
    "text truncated": (r"String attribute value exceeds", 0.8),
    "call after the end": (r"Setting attribute on ended|on an ended span", 7.5),
    "ended twice": (r"Calling end\(\) on an ended", 4),
    "exception event": (r"Event\('exception'", 4),
    "exception left a scope": (r"left by the same|'exception.escaped': 'True'", 4),
    "own text instead of the exception's": (r"'exception\.type': 'Other'", 0.2),
    "status error": (r"status=Status\(ERROR", 4),
    "status ok": (r"status=Status\(OK", 0.48),
    "nested values": (r"attributes=proxy\{.*: [({]", 12.5),
    "not ASCII": (r"attributes=proxy\{.*[^\x00-\x7f]", 12.5),
    "event with attributes": (r"Event\('[^']*', [^,]*, \{'", 4),
    "link with attributes": (r"Link\(ctx\(.*\), \{'", 1.5),
    "invalid type": (r"Invalid type `", 6),
    "invalid key": (r"invalid (attribute )?key", 3),
    "raised by a value": (r"raised Boom: hostile", 0.4),
    "raised by a processor": (r"raised Boom: (_on_ending|on_)", 0.1),
    "raised by a sampler": (r"raised Boom: sampler", 0.1),
    "asked sampler": (r"^sampler asked", 2),
    "processor heard": (r"^on_end ", 7.5),
    "processor heard the ending": (r"^on_ending ", 7.5),
    "redacted": (r"name='redacted'|name: \"redacted", 0.1),
    "detached elsewhere": (r"Failed to detach context", 0.32),
    "span current": (r"current span#", 17.5),
    "thread": (r"InThread -> joined", 2),
    "copied context": (r"(Copied|RunIn) -> (copied|ran)", 2.5),
    "coroutine": (r"coroutine, result after", 0.1),
    "suspended generator": (r"Suspend -> 1", 2),
    "closed generator": (r"Resume -> close", 0.1),
    "held attributes": (r"^held 0 proxy\{'", 0.8),
    "TypeError": (r"-> .*raised TypeError", 5),
    "warning": (r"^warning ", 0.1),
    "json": (r"^['\"]\{\\?'name|to_json \{'name", 6),
    "missing in JSON": (r"-> to_json raised TypeError|^raised TypeError", 0.28),
}

_PATTERNS = {feature: re.compile(pattern) for feature, (pattern, _) in FEATURES.items()}


def census(runs: Iterable[list[str]]) -> Counter[str]:
    """Counts the programs, and those with each feature."""
    counts: Counter[str] = Counter()
    for lines in runs:
        counts["programs"] += 1
        counts.update(name for name, pattern in _PATTERNS.items() if any(pattern.search(line) for line in lines))
    return counts


def shares(counts: Counter[str]) -> str:
    """The counts as lines for people."""
    total = counts["programs"]
    lines = [f"  {name:36} {counts[name]:6} {counts[name] / total:7.1%}" for name in FEATURES]
    return "\n".join([f"{total} programs", *lines])
