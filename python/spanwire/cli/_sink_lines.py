"""One line of text for each log record, data point and profile that the sink received."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from spanwire.sink import ReceivedLog, ReceivedMetric, ReceivedProfile

if TYPE_CHECKING:
    from spanwire.sink import ReceivedPoint, ReceivedRequest

__all__ = ["lines"]

SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")  # four numbers each, from 1


def lines(request: ReceivedRequest) -> Iterator[str]:
    """Lines of a request; none for spans, which make trees."""
    if request.signal == "logs":
        yield from (_log(ReceivedLog(item)) for item in request.items())
    elif request.signal == "metrics":
        for item in request.items():
            metric = ReceivedMetric(item)
            yield from (_point(metric, point) for point in metric.points)
    elif request.signal == "profiles":
        yield from (_profile(ReceivedProfile(item)) for item in request.items())


def _log(log: ReceivedLog) -> str:
    severity = log.severity_text
    if not severity and 1 <= log.severity_number <= 24:
        severity = SEVERITIES[(log.severity_number - 1) // 4]
    text = log.body if isinstance(log.body, str) else repr(log.body)
    trace = f"trace {log.trace_id}" if log.trace_id else ""
    return _joined(_time(log.time or log.observed_time), severity, log.event_name, text, _attributes(log), trace)


def _point(metric: ReceivedMetric, point: ReceivedPoint) -> str:
    if point.count is not None:
        total = "" if point.sum is None else f" sum {point.sum:g}"
        value = f"count {point.count:,}{total}"
    else:
        value = "no value" if point.value is None else f"{point.value:,}"
    unit = "" if metric.unit in ("", "1") else f" {metric.unit}"
    kind = " ".join(filter(None, (metric.temporality, (metric.kind or "no data").replace("_", " "))))
    return _joined(_time(point.time), metric.name, f"{value}{unit}", kind, _attributes(point))


def _profile(profile: ReceivedProfile) -> str:
    seconds = f"{profile.duration / 1e9:.3g} s"
    return _joined(_time(profile.time), f"profile {profile.profile_id}", f"{profile.sample_count:,} samples", seconds)


def _attributes(item: ReceivedLog | ReceivedPoint) -> str:
    found: Mapping[str, Any] = item.attributes
    return " ".join(f"{key}={value}" for key, value in found.items())


def _time(nanoseconds: int) -> str:
    if not nanoseconds:
        return "no time"
    try:
        when = datetime.fromtimestamp(nanoseconds / 1e9, timezone.utc)
    except (OverflowError, ValueError, OSError):  # beyond the year 9999
        return str(nanoseconds)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{nanoseconds // 1_000_000 % 1000:03}Z"


def _joined(*parts: str) -> str:
    # What came over the network must not steer the terminal.
    line = "  ".join(part for part in parts if part)
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
