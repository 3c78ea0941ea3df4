"""The counts of :func:`spanwire.stats` in the text format that Prometheus scrapes, version 0.0.4."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from spanwire._telemetry.process_folder import is_of_a_process
from spanwire._telemetry.stats import BREAKER_STATES, REASONS, SIGNALS, stats

__all__ = ["prometheus_text", "render"]


class _Family(NamedTuple):
    """Of each account: one number."""

    name: str
    kind: str
    key: str
    help: str


_FAMILIES = (
    _Family(
        "accepted_total", "counter", "accepted", "Items given to an exporter or to a batch processor in front of it."
    ),
    _Family("exported_total", "counter", "exported", "Items that the destination took."),
    _Family("queued", "gauge", "queued", "Items that wait or are under way, back-offs included."),
    _Family("requests_total", "counter", "requests", "Requests written, each try counted."),
    _Family("retries_total", "counter", "retries", "Tries after the first."),
    _Family("request_bytes_total", "counter", "bytes", "Bytes of bodies written, each try counted."),
    _Family("connections_total", "counter", "connections", "Connections opened."),
)

# Of each durable queue, likewise; those of one folder and service are added up: the folder of a process is another at each start.
_DURABLE = (
    _Family("durable_bytes", "gauge", "bytes", "Bytes of the files in which spans wait."),
    _Family("durable_max_bytes", "gauge", "max_bytes", "Bytes of what may wait in files."),
    _Family("durable_files", "gauge", "files", "Files in which spans wait, or may."),
    _Family("durable_failures_total", "counter", "failures", "Times that the disk refused something."),
)
# Of what ended processes had left, which is one for all queues of a folder and service.
_RECOVERED = (
    _Family("durable_recovered_folders_total", "counter", "folders", "Folders of ended processes that were adopted."),
    _Family(
        "durable_recovered_spans_total", "counter", "spans", "Spans of ended processes that were given to destinations."
    ),
    _Family(
        "durable_recovered_damaged_total", "counter", "damaged", "Spans of ended processes that could not be read."
    ),
    _Family(
        "durable_recovered_files_total",
        "counter",
        "files",
        "Files and folders of ended processes that were not understood or not removed, and stay; each once.",
    ),
)
Sample = tuple[Mapping[str, str], float]


def prometheus_text() -> str:
    """The counts of :func:`spanwire.stats` in Prometheus's text format, version 0.0.4.

    To be served as ``text/plain; version=0.0.4; charset=utf-8``. They are this process's own; docs/operations.md lists the
    names and says what to alert on. Each reason for drops is there from the beginning, at zero, so that its first
    drop is seen as a rise. ``last_error`` is left out: a text is no number, and no label.
    """
    return render(stats())


def render(counts: Mapping[str, Any]) -> str:
    """As :func:`prometheus_text`, of counts that ``stats()`` gave."""
    return "".join(_lines(counts))


def _lines(counts: Mapping[str, Any]) -> Iterator[str]:
    accounts = [
        ({"signal": signal, "destination": destination}, account)
        for signal in SIGNALS
        for destination, account in sorted(counts.get(signal, {}).items())
    ]
    for name, kind, key, text in _FAMILIES:
        yield from _family(name, kind, text, [(labels, account[key]) for labels, account in accounts])
    yield from _family(
        "dropped_total",
        "counter",
        "Items lost, by reason.",
        [
            ({**labels, "reason": reason}, lost)
            for labels, account in accounts
            for reason, lost in _all_reasons(account["dropped"]).items()
        ],
    )
    yield from _family(
        "breaker_state",
        "gauge",
        "Whether requests are sent to an endpoint: 1 for the state that its breaker is in.",
        [
            ({**labels, "endpoint": endpoint, "state": state}, int(state == current))
            for labels, account in accounts
            for endpoint, current in sorted(account.get("breakers", {}).items())
            for state in BREAKER_STATES
        ],
    )
    yield from _durable(counts.get("durable", ()))
    encode, trace = counts["encode"], counts["trace"]
    yield from _family(
        "encoded_spans_total",
        "counter",
        "Spans encoded, without running Python code (fast) and by their public attributes (general).",
        [({"path": path}, encode[f"spans_{path}"]) for path in ("fast", "general")],
    )
    yield from _family(
        "encode_dropped_total",
        "counter",
        "What was left out of spans that were sent, by reason; for reason span, whole spans.",
        [({"reason": reason}, lost) for reason, lost in sorted(encode["dropped"].items())],
    )
    yield from _family(
        "panics_total",
        "counter",
        "Internal errors while spans were recorded, each of which lost a span or a part of one.",
        [({}, trace["panics"])],
    )
    yield from _family("pooled_records", "gauge", "Records that wait for a next span.", [({}, trace["pooled_records"])])
    yield from _family(
        "fast_path_info", "gauge", "Whether the SDK's spans are read quickly.", [({"state": encode["fast_path"]}, 1)]
    )
    yield from _family("clock_info", "gauge", "Who tells the time of native spans.", [({"clock": trace["clock"]}, 1)])


# Values of `not_mapped` that are no failure.
NO_FAILURE = {None, "mapping=never"}


def _durable(reports: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    queues: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for report in reports:
        folder = Path(report["folder"])
        path = folder.parent if is_of_a_process(folder) else folder  # there may be none yet
        queues.setdefault((str(path), report["service"]), []).append(report)
    each = [({"path": path, "service": service}, queues[path, service]) for path, service in sorted(queues)]
    for name, kind, key, text in _DURABLE:
        yield from _family(name, kind, text, [(labels, sum(one[key] for one in several)) for labels, several in each])
    yield from _family(
        "durable_not_mapped",
        "gauge",
        "1 if a thread writes spans to files within 10 ms because the file system cannot be mapped; 0 with mapping=never.",
        [(labels, int(any(one["not_mapped"] not in NO_FAILURE for one in several))) for labels, several in each],
    )
    synced = [
        (labels, max(ago))
        for labels, several in each
        if (ago := [one["synced_seconds_ago"] for one in several if one["synced_seconds_ago"] is not None])
    ]
    yield from _family(
        "durable_synced_age_seconds", "gauge", "Since when what had ended is on the disk, if it was ever told.", synced
    )
    recovered = [(labels, several[0]["recovered"]) for labels, several in each if several[0]["recovered"] is not None]
    for name, kind, key, text in _RECOVERED:
        yield from _family(name, kind, text, [(labels, told[key]) for labels, told in recovered])
    yield from _family(
        "durable_recovery_failed",
        "gauge",
        "Whether the last look at what ended processes have left met an error: 0 or 1.",
        [(labels, int(told["error"] is not None)) for labels, told in recovered],
    )


def _all_reasons(dropped: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted((dict.fromkeys(REASONS, 0) | dict(dropped)).items()))


def _family(name: str, kind: str, text: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP spanwire_{name} {text}\n# TYPE spanwire_{name} {kind}\n"
    for labels, number in samples:
        inside = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
        yield f"spanwire_{name}{{{inside}}} {number}\n" if inside else f"spanwire_{name} {number}\n"


def _escaped(value: str) -> str:
    # What UTF-8 cannot say (a class may be named so) must not fail whoever serves the page.
    whole = value.encode("utf-8", "backslashreplace").decode()
    return whole.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
