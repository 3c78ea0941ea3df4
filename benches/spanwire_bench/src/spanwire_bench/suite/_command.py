"""``spanwire bench`` without a command: what was typed becomes a plan, and what came of it files and a table."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from spanwire.cli.toolkit import NewFile

if TYPE_CHECKING:
    from spanwire_bench.suite._model import Document
    from spanwire_bench.suite._scenario import Scenario, Settings

__all__ = ["OWN_ROUNDS", "Asked", "list_scenarios", "no_goals", "run_suite"]

_SIGNALLED_STATUS = 128  # and the signal's number, as shells have it
_PEER_BATCH = 512
OWN_ROUNDS = "each scenario's own"
"""What the method says of rounds that nobody asked for."""
_LEAST_JUDGED_SCALE = 0.2


@dataclass(frozen=True, slots=True)
class Asked:
    """The options as they were typed; see ``bench.__init__``."""

    scenarios: Sequence[str] = ()
    sides: Sequence[str] = ()
    peers: bool = False
    peer_python: str | None = None
    rounds: int = 0
    scale: float = 1.0
    batch: int | None = None
    json: str | None = None
    html: str | None = None
    compare: str | None = None
    color: bool = True
    quiet: bool = False


def list_scenarios(asked: Asked) -> None:
    """Names, titles, sides and estimates, and end."""
    from rich.table import Table
    from rich.text import Text

    from spanwire.cli.toolkit import make_console
    from spanwire_bench.suite._progress import clock, lasting

    chosen, settings = _scenarios(asked), _settings(asked, _wanted_sides(asked))
    console = make_console(color=asked.color)
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("scenario", no_wrap=True)
    table.add_column("what")
    table.add_column("about", justify="right", no_wrap=True)
    for one in chosen:
        title = Text(one.title)
        title.append(f" ({', '.join(one.chosen(settings)) or 'none of the sides'})", style="dim")
        table.add_row(Text(one.name, style="bold"), title, clock(one.seconds(settings)))
    console.print(table)
    console.print(f"{len(chosen)} scenarios, about {lasting(sum(one.seconds(settings) for one in chosen))}")


def run_suite(asked: Asked) -> None:
    """Measure, show and write. Raises typer.Exit with status 1, or 128 and a signal's number, where something is not there."""
    from spanwire_bench.suite import _choice, _compare, _run
    from spanwire_bench.suite._interrupt import Interruption
    from spanwire_bench.suite._model import BadDocument
    from spanwire_bench.suite._progress import Progress

    chosen = _scenarios(asked)
    wanted = _wanted_sides(asked)
    _check_places(asked)
    try:
        old = None if asked.compare is None else _compare.read(asked.compare)
        sides = _choice.available(wanted, _choice.peer_python(asked.peer_python))
    except (BadDocument, _choice.BadName) as error:
        _fail(str(error))
    for side, why in sides.left_out.items():
        print(f"spanwire bench: {side} is left out: {why}", file=sys.stderr)
    if not sides.names:
        raise typer.Exit(1)
    settings = _settings(asked, sides.names)
    able = [one for one in chosen if one.chosen(settings)]
    if not able:
        _fail(f"none of these scenarios has the sides {', '.join(sides.names)}")
    plan = _plan(asked, able, settings, sides.left_out)
    # A terminal that goes away may say so twice; what is finished is still to be written then.
    with Interruption() as interruption, ExitStack() as files:
        html, as_json = _open(files, asked.html), _open(files, asked.json)
        done = _run.run(plan, Progress(able, settings, quiet=asked.quiet, color=asked.color), interruption)
        lost = _give_out(done.document, old, asked, html=html, as_json=as_json)
    if done.failed:
        _say(f"no figures of {', '.join(done.failed)}")
    if done.signal is not None:
        _say(f"interrupted; what was finished is {'partly lost' if lost else 'shown and written'}")
        raise typer.Exit(_SIGNALLED_STATUS + done.signal)
    if done.failed or lost:
        raise typer.Exit(1)


def _check_places(asked: Asked) -> None:
    """What would be written over by something else is refused."""
    if asked.json == asked.html == "-":
        _fail("--json and --html cannot both be printed: give one of them a path")
    if None in (asked.json, asked.html) or "-" in (asked.json, asked.html):
        return
    if os.path.realpath(str(asked.json)) == os.path.realpath(str(asked.html)):
        _fail(f"--json and --html cannot both be written to {asked.json}")


def _give_out(
    document: Document, old: Document | None, asked: Asked, *, html: NewFile | None, as_json: NewFile | None
) -> bool:
    """The table, the JSON, the report, each whatever became of the others; whether one of them is lost, which is said then."""

    def show() -> None:
        from spanwire_bench.suite import _compare, _table

        _table.show(document, color=asked.color)
        if old is not None:
            _compare.show(old, document, asked.compare or "", color=asked.color)
        sys.stdout.flush()

    def write_json(file: NewFile) -> None:
        _complete(file, json.dumps(document.as_json(), indent=1, allow_nan=False) + "\n")

    def write_html(file: NewFile) -> None:
        from spanwire_bench.suite import _html

        _complete(file, _html.render(document, old))

    parts: list[tuple[str, Callable[[], None]]] = []
    if "-" not in (asked.json, asked.html):
        parts.append(("the table cannot be shown", show))
    if as_json is not None:
        parts.append((f"{asked.json}: the result cannot be written", lambda: write_json(as_json)))
    if html is not None:
        parts.append((f"{asked.html}: the report cannot be written", lambda: write_html(html)))
    went_well = [_tried(what, do) for what, do in parts]
    return not all(went_well)


def _tried(what: str, do: Callable[[], None]) -> bool:
    """Whether it went well; if not, a line says why. Nobody who reads on needs no line."""
    try:
        do()
    except (BrokenPipeError, SystemExit):  # the latter is what rich makes of the former
        _close_standard_output()
    except OSError as error:
        _say(f"{what}: {error.strerror}")
        _close_standard_output()
    except Exception as error:
        _say(f"{what}: {type(error).__name__}: {error}")
    else:
        return True
    return False


def _close_standard_output() -> None:
    """If it takes nothing any more: the interpreter must not fail with what is left in its buffer when it flushes at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _scenarios(asked: Asked) -> list[Scenario]:
    from spanwire_bench.suite import _choice

    try:
        return _choice.scenarios(asked.scenarios, peers=asked.peers)
    except _choice.BadName as error:
        _fail(str(error))


def _wanted_sides(asked: Asked) -> list[str]:
    from spanwire_bench.suite import _choice

    try:
        return _choice.sides(asked.sides, peers=asked.peers)
    except _choice.BadName as error:
        _fail(str(error))


def _settings(asked: Asked, sides: Sequence[str]) -> Settings:
    from spanwire_bench import _cores
    from spanwire_bench.suite import _choice
    from spanwire_bench.suite._scenario import Settings

    sender, receiver = _cores.apart()
    return Settings(
        tuple(sides),
        rounds=asked.rounds,
        scale=asked.scale,
        # Peers are only compared at the same size of a batch.
        batch=asked.batch or (_PEER_BATCH if asked.peers else None),
        sender_core=sender,
        receiver_core=receiver,
        peer_python=_choice.peer_python(asked.peer_python),
    )


def _plan(asked: Asked, able: Sequence[Scenario], settings: Settings, left_out: Mapping[str, str]) -> Any:
    from spanwire_bench import _cores, _perf
    from spanwire_bench._measure import environment
    from spanwire_bench.suite import _run, _verdict, _versions

    where = environment()
    why_not = no_goals(settings)
    method = {
        "rounds": asked.rounds or OWN_ROUNDS,
        "scale": asked.scale,
        "batch": settings.batch or "each side's default",
        "sender_core": settings.sender_core,
        "receiver_core": settings.receiver_core,
        "pinning": _cores.pinning(settings.sender_core, settings.receiver_core),
        "order": "the sides take turns in each round, a different one first each time, unless a scenario's text says otherwise",
        "cpu": "user and system time by getrusage, of fresh processes where spans are sent, else of the pinned thread",
        "figures": _verdict.RULE,
        "content": "a sample of what the sides send is compared, of ddtrace and fastrace as text; a span too few or too many, and there is no figure",
        **({"goals": f"not judged: {why_not}"} if why_not else {}),
        "instructions": _perf.counting() or "counted by perf stat -e instructions:u",
    }
    return _run.Plan(
        able, settings, _typed(), where, method, _versions.sides(settings), left_out, goals=why_not is None
    )


def no_goals(settings: Settings) -> str | None:
    """Why goals are not judged, if they are not."""
    if settings.scale < _LEAST_JUDGED_SCALE:
        return f"at scale {settings.scale:g}, below {_LEAST_JUDGED_SCALE:g}, so little is measured that its ends count"
    return None if settings.sender_core is not None else "there is one core, so whoever receives is in the way"


def _typed() -> str:
    """The command, without the path of the program."""
    return shlex.join(["spanwire", *sys.argv[1:]])


def _open(files: ExitStack, place: str | None) -> NewFile | None:
    """Before anything is measured: what cannot be written is said at once, and an interrupted program leaves nothing."""
    if place is None:
        return None
    try:
        file = NewFile(place, force=True)
    except OSError as error:
        _fail(f"{place}: {error.strerror}")
    files.callback(_abandon, file)
    return file


def _abandon(file: NewFile) -> None:
    """Nothing is left of what was not completed; of a stream that takes nothing that was said already."""
    with contextlib.suppress(OSError):
        file.close(complete=False)


def _complete(file: NewFile, text: str) -> None:
    file.file.write(text.encode("utf-8", "backslashreplace"))
    file.close(complete=True)


def _say(message: str) -> None:
    with contextlib.suppress(OSError):  # of a terminal that is gone
        print(f"spanwire bench: {message}", file=sys.stderr)


def _fail(message: str) -> NoReturn:
    _say(message)
    raise typer.Exit(1)
