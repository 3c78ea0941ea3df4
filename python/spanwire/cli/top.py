"""``spanwire top``: what running processes send, queue and lose, live on a terminal."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from spanwire.cli._stop import Stop

if TYPE_CHECKING:
    from spanwire.cli._top._processes import Process
    from spanwire.cli._top._view import View

__all__ = ["top"]

TICK_SECONDS = 0.1
VARIABLE = "SPANWIRE_TOP_SOCKET"


def top(
    target: Annotated[
        str,
        typer.Argument(
            metavar="PATH|PID",
            help="What the processes have as SPANWIRE_TOP_SOCKET or install(top=...), or one's number. Default: the variable.",
            show_default=False,
        ),
    ] = "",
    once: Annotated[
        bool, typer.Option("--once", help="Show it once and end; as also where there is no terminal.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="What each process says, as a line of JSON.")] = False,
    interval: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds between two looks.")] = 1.0,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """Show what running processes send, queue and lose, until Ctrl-C."""
    where = target or os.environ.get(VARIABLE, "")
    if not where:
        raise typer.BadParameter(
            f"say which processes: by their number, or the path that they have as {VARIABLE} or install(top=...)"
        )
    with Stop() as stop:
        try:
            seen = _json_lines(where, stop, once, interval) if as_json else _live(where, stop, once, interval, color)
        except BrokenPipeError as error:
            # Whoever read our output is gone; the interpreter must not try to flush it once more.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from error
    if not seen:
        raise typer.Exit(1)


def _looks(stop: Stop, interval: float, once: bool) -> Iterator[None]:
    """At once, then every so often."""
    due = time.monotonic()
    while True:
        yield
        if once:
            return
        due = max(due + interval, time.monotonic() + TICK_SECONDS)
        while (left := due - time.monotonic()) > 0:
            if stop.asked:
                return
            time.sleep(min(left, TICK_SECONDS))


def _read(where: str) -> tuple[list[Process], list[tuple[str, str]]]:
    """Processes, and sockets that are there but cannot be read; stale ones are neither."""
    from spanwire.cli._top._processes import Process, find, read_or_say

    found = [(str(path), read_or_say(path)) for path in find(where)]
    processes = [said for _, said in found if isinstance(said, Process)]
    return processes, [(path, said) for path, said in found if isinstance(said, str)]


def _json_lines(where: str, stop: Stop, once: bool, interval: float) -> bool:
    seen = False
    for _ in _looks(stop, interval, once):
        processes, unreadable = _read(where)
        for process in processes:
            print(json.dumps(process.said))
            seen = True
        sys.stdout.flush()
        for path, reason in unreadable:
            print(f"spanwire top: {path}: {reason}", file=sys.stderr)
        if once and not processes:
            _say_nobody(where)
    return seen


def _live(where: str, stop: Stop, once: bool, interval: float, color: bool) -> bool:
    from spanwire.cli._render import make_console

    console = make_console(color=color)
    if once or not console.is_terminal:
        view = _look(where, {})
        if view.processes or view.unreadable:
            console.print(view)
        else:
            _say_nobody(where)
        return bool(view.processes)
    from rich.live import Live
    from rich.text import Text

    before: dict[tuple[int, float], Process] = {}
    seen = False
    with Live(console=console, auto_refresh=False, screen=True) as live:
        for _ in _looks(stop, interval, once=False):
            view = _look(where, before)
            seen = seen or bool(view.processes)
            live.update(
                view if view.processes or view.unreadable else Text(f"nobody yet at {where}", style="dim"), refresh=True
            )
    return seen


def _look(where: str, before: dict[tuple[int, float], Process]) -> View:
    """What is there now; rates are of what ``before`` has, which is brought up to date."""
    from spanwire.cli._top._view import View, rates

    processes, unreadable = _read(where)
    shown = [(process, rates(before.get((process.pid, process.since)), process)) for process in processes]
    before.clear()
    before.update({(process.pid, process.since): process for process in processes})
    return View(shown, unreadable)


def _say_nobody(where: str) -> None:
    print(
        f"spanwire top: no process serves its counts at {where}: start it with {VARIABLE} or install(top=...)",
        file=sys.stderr,
    )
