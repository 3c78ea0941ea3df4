"""What ``spanwire top`` draws: a line for each process and destination, and below it what is lost and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.text import Text

from spanwire._telemetry.prometheus import NO_FAILURE
from spanwire.cli._render import one_line
from spanwire.cli._top._processes import Account, Durable, Process

__all__ = ["Rates", "View", "rates"]

_COLUMNS = (
    ("accepted/s", 11),
    ("exported/s", 11),
    ("queued", 9),
    ("dropped", 9),
    ("retries", 8),
    ("KB/s", 8),
    ("total", 13),
)


@dataclass(frozen=True, slots=True)
class Rates:
    """A second, between two looks at one destination."""

    accepted: float
    exported: float
    bytes: float
    dropped: float


def rates(before: Process | None, now: Process) -> dict[tuple[str, str], Rates]:
    """By signal and destination; nothing of a process that is seen for the first time, or anew under its number."""
    if before is None or before.since != now.since or now.time <= before.time:
        return {}
    seconds = now.time - before.time
    known = {(account.signal, account.destination): account for account in before.accounts}
    found = {}
    for account in now.accounts:
        earlier = known.get((account.signal, account.destination))
        if earlier is not None:
            found[account.signal, account.destination] = Rates(
                *(
                    max(0, late - early) / seconds
                    for late, early in (
                        (account.accepted, earlier.accepted),
                        (account.exported, earlier.exported),
                        (account.bytes, earlier.bytes),
                        (sum(account.dropped.values()), sum(earlier.dropped.values())),
                    )
                )
            )
    return found


@dataclass(frozen=True, slots=True)
class View:
    """Processes with their rates, and sockets that cannot be read."""

    processes: Sequence[tuple[Process, dict[tuple[str, str], Rates]]]
    unreadable: Sequence[tuple[str, str]] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        for line in self._lines():
            line.no_wrap = True
            line.truncate(options.max_width, overflow="crop" if options.ascii_only else "ellipsis")
            yield line

    def _lines(self) -> Iterator[Text]:
        for process, its_rates in self.processes:
            name = one_line(process.service or process.program)
            age = _age(process.time - process.since)
            yield Text.assemble((f"{process.pid} ", "bold"), (name, "bold cyan"), (f"  serves since {age}", "dim"))
            if not process.accounts:
                yield Text("  nothing has been sent", style="dim")
            for account in process.accounts:
                yield from _account_lines(account, its_rates.get((account.signal, account.destination)))
            for queue in process.durable:
                yield from _durable_lines(queue)
        for path, reason in self.unreadable:
            yield Text.assemble((one_line(path), "bold"), (f": {one_line(reason)}", "red"))


def _account_lines(account: Account, its_rates: Rates | None) -> Iterator[Text]:
    signal = "" if account.signal == "traces" else f" ({account.signal})"
    yield Text(f"  {one_line(account.destination)}{signal}")
    yield Text("  " + "".join(f"{name:>{cells}}" for name, cells in _COLUMNS), style="dim")
    lost = sum(account.dropped.values())
    cells = (
        _rate(None if its_rates is None else its_rates.accepted),
        _rate(None if its_rates is None else its_rates.exported),
        f"{account.queued:,}",
        f"{lost:,}",
        f"{account.retries:,}",
        _rate(None if its_rates is None else its_rates.bytes / 1e3),
        f"{account.accepted:,}",
    )
    line = Text("  ")
    for (name, width), cell in zip(_COLUMNS, cells, strict=True):
        is_bad = (name == "dropped" and lost > 0) or (name == "retries" and account.retries > 0)
        line.append(f"{cell:>{width}}", style="red" if is_bad else "")
    yield line
    if lost:
        reasons = sorted(account.dropped.items(), key=lambda item: (-item[1], item[0]))
        growing = f" (+{its_rates.dropped:,.0f}/s)" if its_rates is not None and its_rates.dropped > 0 else ""
        told = ", ".join(f"{one_line(reason)} {count:,}" for reason, count in reasons if count)
        yield Text(f"  dropped{growing}: {told}", style="red")
    for endpoint, state in sorted(account.breakers.items()):
        if state != "closed":
            where = "" if len(account.breakers) == 1 else f" of {one_line(endpoint)}"
            yield Text(f"  breaker{where}: {one_line(state)}", style="red" if state == "open" else "yellow")
    if account.last_error:
        yield Text(f"  last error: {one_line(account.last_error)}", style="yellow")


def _durable_lines(queue: Durable) -> Iterator[Text]:
    is_much = queue.bytes > queue.max_bytes / 2
    yield Text.assemble(
        f"  durable {one_line(queue.folder)}: ",
        (f"{queue.bytes / 1e6:,.0f} of {queue.max_bytes / 1e6:,.0f} MB", "yellow" if is_much else ""),
        (f", {queue.failures:,} failures", "red") if queue.failures else "",
        (f", not mapped: {one_line(queue.not_mapped)}", "" if queue.not_mapped in NO_FAILURE else "yellow")
        if queue.not_mapped is not None
        else "",
    )
    told = [f"{name} {queue.recovered[name]:,}" for name in ("spans", "damaged", "files") if queue.recovered.get(name)]
    if told:
        is_bad = any(queue.recovered.get(name) for name in ("damaged", "files"))
        yield Text(f"  recovered of ended processes: {', '.join(told)}", style="yellow" if is_bad else "")
    for what, error in (("recovery", queue.recovery_error), ("disk", queue.last_error)):
        if error:
            yield Text(f"  {what}: {one_line(error)}", style="yellow")


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _age(seconds: float) -> str:
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"
