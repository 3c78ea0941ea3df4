"""What ``spanwire decode --stats`` shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from spanwire._files.span_file import SpanFile

__all__ = ["show_stats"]

_KINDS = {0: "unspecified", 1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_STATUSES = {0: "unset", 1: "ok", 2: "error"}


def show_stats(source: SpanFile, requests: Iterable[bytes], console: Console, *, as_json: bool, top: int) -> None:
    """Count everything, then show it."""
    from spanwire._native import FileStats

    stats = FileStats()
    for request in requests:
        stats.add(request)
    counts = stats.counts()
    if as_json:
        from spanwire.cli._span_lines import as_json as to_json

        print(to_json(_document(source, counts), indent=2))
    else:
        _print(source, counts, console, top)


def _by_count(counts: Mapping[Any, int]) -> dict[Any, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], str(item[0]))))


def _document(source: SpanFile, counts: Mapping[str, Any]) -> dict[str, object]:
    from spanwire.cli._span_lines import timestamp

    names = sorted(counts["names"].items(), key=lambda item: (-item[1][0], item[0]))
    numbers = {
        key: counts[key]
        for key in ("requests", "spans", "traces", "roots", "errors", "events", "links", "attributes", "bytes")
    }
    return {
        "command": "decode",
        "schema": 1,
        "format": source.format,
        "compressions": source.compressions,
        **numbers,
        "first": timestamp(counts["first"]) or None,
        "last": timestamp(counts["last"]) or None,
        "span_bytes": _quantiles(counts["sizes"]),
        "duration_ns": _quantiles(counts["durations"]),
        "kinds": {_KINDS.get(kind, str(kind)): count for kind, count in counts["kinds"].items()},
        "statuses": {_STATUSES.get(code, str(code)): count for code, count in counts["statuses"].items()},
        "services": _by_count(counts["services"]),
        "scopes": _by_count(counts["scopes"]),
        "names": {name: {"spans": spans, "errors": errors} for name, (spans, errors) in names},
        "attribute_keys": _by_count(counts["keys"]),
        "not_counted_by_name": counts["uncounted"],
    }


def _quantiles(values: Sequence[int]) -> dict[str, int]:
    return dict(zip(("p50", "p99", "max"), values, strict=True))


def _print(source: SpanFile, counts: Mapping[str, Any], console: Console, top: int) -> None:
    from rich.text import Text

    from spanwire.cli._render import duration
    from spanwire.cli._span_lines import timestamp

    def line(*parts: str | tuple[str, str]) -> None:
        console.print(Text.assemble(*parts), soft_wrap=True)

    spans = counts["spans"]
    line(", ".join([*source.compressions, str(source.format)]), f"; {counts['requests']:,} requests")
    errors = (f"{counts['errors']:,} failed", "bold red" if counts["errors"] else "")
    line((f"{spans:,} spans", "bold"), f" in {counts['traces']:,} traces, ", errors, f"; {counts['roots']:,} roots")
    line(f"{counts['attributes']:,} attributes, {counts['events']:,} events, {counts['links']:,} links")
    if not spans:
        return
    if counts["first"]:
        length = duration(counts["last"] - counts["first"])
        line(f"{timestamp(counts['first'])} to {timestamp(counts['last'])}, {length}")
    sizes = "  ".join(f"{name} {value:,}" for name, value in _quantiles(counts["sizes"]).items())
    line(("bytes     ", "dim"), f"{sizes}  all {counts['bytes']:,}")
    lengths = "  ".join(f"{name} {duration(value)}" for name, value in _quantiles(counts["durations"]).items())
    line(("durations ", "dim"), lengths)
    for title, words, key in (("kinds     ", _KINDS, "kinds"), ("status    ", _STATUSES, "statuses")):
        shown = ", ".join(f"{words.get(code, code)} {count:,}" for code, count in _by_count(counts[key]).items())
        line((title, "dim"), shown)
    for title, key in (("service", "services"), ("name", "names"), ("attribute", "keys")):
        _table(console, title, counts[key], top)
    if counts["uncounted"]:
        line(f"{counts['uncounted']:,} more had names of which there are too many")


def _table(console: Console, title: str, counts: Mapping[str, Any], top: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from spanwire.cli._render import bar, one_line

    rows = [
        (name, *(count if isinstance(count, tuple) else (count, 0)))
        for name, count in sorted(counts.items(), key=lambda item: (_first(item[1]) * -1, item[0]))
    ]
    if not rows:
        return
    has_errors = title == "name"
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(title, no_wrap=True, overflow="ellipsis", max_width=44)
    table.add_column("spans", justify="right", no_wrap=True)
    if has_errors:
        table.add_column("failed", justify="right", no_wrap=True)
    table.add_column("")
    most = max(row[1] for row in rows)
    for name, count, errors in rows[:top]:
        drawn = bar(count, most, 16, ascii_only=console.options.ascii_only)
        failed = [Text(f"{errors:,}" if errors else "", style="bold red")] if has_errors else []
        table.add_row(Text(one_line(name) or "(none)"), f"{count:,}", *failed, drawn)
    console.print()
    console.print(table)
    if len(rows) > top:
        console.print(Text(f"and {len(rows) - top:,} more", style="dim"))


def _first(count: int | tuple[int, int]) -> int:
    return count[0] if isinstance(count, tuple) else count
