"""``spanwire recover``: what ended processes have left on the disk, told or sent."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from spanwire.cli._destination import EndpointOption, ProtocolOption, destination_client
from spanwire.cli._stop import Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from spanwire._native import Adoption

__all__ = ["recover"]

BATCH_SPANS, BATCH_BYTES = 2048, 400_000
LOOK_SECONDS = 0.1
SAY_SECONDS = 60.0
MOST_NAMED = 3


def recover(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder that durable= or SPANWIRE_DURABLE_PATH names.")
    ],
    endpoint: EndpointOption = None,
    protocol: ProtocolOption = None,
    service: Annotated[str | None, typer.Option(help="Only what this service has left. [default: all]")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what is there; send nothing, change nothing.")
    ] = False,
    header: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE, sent with each request; may be repeated.")
    ] = None,
    compression: Annotated[str | None, typer.Option(help="none, gzip, zstd or deflate.")] = None,
    rate: Annotated[int, typer.Option(min=0, help="Spans a second at most; 0: as fast as they are taken.")] = 0,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds without a span that is taken after which it ends; 0: none.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, nothing else.")] = False,
) -> None:
    """Send what processes that were killed had not sent: everything that is intact, the oldest first.

    Folders of living processes are left alone. A folder goes when all of it is delivered; a file that is not understood stays, and is
    named. While the backend is down it waits; Ctrl-C ends it, and so does --patience. What is not delivered stays. Status 0: all is
    delivered, and nothing stays; 1: something stays, was damaged, or was refused by the backend, or --dry-run cannot read a folder; 130: interrupted.
    """
    from spanwire import _native

    if not folder.is_dir():
        raise typer.BadParameter(f"there is no folder {str(folder)!r}", param_hint="DIR")
    _check_level(folder)
    path = str(folder.absolute())
    try:
        found = _native.inspect_durable(path, service)
    except OSError as error:
        _fail(str(error) + _whose(folder))
    if dry_run:
        _show(found, as_json=as_json)
        if any(name == "." for one in found for name, _ in one["files"]):  # a folder that cannot be read
            raise typer.Exit(1)
        return
    if found and os.statvfs(path).f_flag & os.ST_RDONLY:
        _fail(
            f"{path} lies on a disk that can only be read, where what is delivered cannot be taken away: mount it for writing; "
            "--dry-run says what is there"
        )
    client = destination_client(endpoint, header or [], compression, protocol=protocol)
    if not as_json:
        _show(found, as_json=False)
    spans = sum(one["spans"] for one in found)
    had = sum(one["delivered"].get(client.destination, 0) for one in found)
    before = _books(client.destination)
    adoption = _native.Adoption(client, path, service, BATCH_SPANS, BATCH_BYTES, spans_per_second=rate)
    with Stop() as stop:
        _wait(
            adoption,
            stop,
            lambda: _books(client.destination)["exported"],
            patience,
            _Progress(adoption, spans, client.destination, is_told=not as_json),
        )
    told = _books(client.destination)
    told["exported"] -= before["exported"]
    told["dropped"] = {
        reason: count - before["dropped"].get(reason, 0)
        for reason, count in told["dropped"].items()
        if count > before["dropped"].get(reason, 0)
    }
    folders, sent, damaged, bad = adoption.progress()
    left = _native.inspect_durable(path, service)
    stays = _files(left)
    cut = [[name, why] for name, why in _files(found) if [name, why] not in stays]
    document = {
        "folders": folders,
        "spans": sent,
        "delivered": told["exported"],
        "delivered_before": had,
        "dropped": told["dropped"],
        "damaged": damaged,
        "files_not_understood": bad,
        "files": stays,
        "incomplete": cut,
        "left": sum(one["spans"] for one in left),
        "last_error": told["last_error"],
    }
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        dropped = ", ".join(f"{count:,} {reason}" for reason, count in sorted(document["dropped"].items())) or "none"
        before_text = f" ({had:,} were delivered to it before)" if had else ""
        print(
            f"delivered {document['delivered']:,} of {spans:,} spans of {folders:,} processes to {client.destination}{before_text}; "
            f"dropped {dropped}; damaged {damaged:,}; left {document['left']:,}"
        )
        for what, files in (("not understood, left there", stays), ("read as far as it goes", cut)):
            for name, why in files:
                print(f"{what}: {name}: {why}")
        if told["last_error"]:
            print(f"last error: {told['last_error']}")
    if stop.asked:
        raise typer.Exit(130)
    if any(document[what] for what in ("left", "dropped", "damaged", "files_not_understood", "files", "incomplete")):
        raise typer.Exit(1)


def _files(found: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Files that are not understood, or not whole, and why."""
    return [[str(Path(one["folder"]) / name), why] for one in found for name, why in one["files"]]


def _check_level(folder: Path) -> None:
    """One folder too deep or too high there is nothing to be found, and that must not pass for "nothing is left"."""
    if _belongs_to_a_process(folder):
        above = folder.absolute().parent
        raise typer.BadParameter(
            f"{str(folder)!r} is the folder of one process: give the one above it, {str(above)!r}", param_hint="DIR"
        )
    from spanwire._telemetry.process_folder import is_of_a_process

    below = [one for one in _folders(folder) if not is_of_a_process(one)]
    if len(below) == len(_folders(folder)):
        inside = [one for one in below if any(map(_belongs_to_a_process, _folders(one)))]
        if inside:
            names = " or ".join(repr(str(one)) for one in sorted(inside)[:MOST_NAMED])
            raise typer.BadParameter(
                f"{str(folder)!r} holds no folder of a process, those are further down: give {names}", param_hint="DIR"
            )


def _belongs_to_a_process(folder: Path) -> bool:
    from spanwire._telemetry.process_folder import is_of_a_process

    return is_of_a_process(folder.absolute()) and any((folder / name).is_file() for name in ("lock", "owner"))


def _folders(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        return [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


def _whose(folder: Path) -> str:
    """What to do about a folder of another user, who alone may use it, root not excepted."""
    owner = folder.stat().st_uid
    if owner == os.geteuid():
        return ""
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"#{owner}"
    return f"; run it as that user: {name}"


class _Progress:
    """How far it is: on a terminal all the time, elsewhere a line a minute."""

    def __init__(self, adoption: Adoption, spans: int, destination: str, *, is_told: bool) -> None:
        self._adoption, self._spans, self._destination, self._is_told = adoption, spans, destination, is_told
        self._is_live = sys.stderr.isatty()
        self._next = time.monotonic() + SAY_SECONDS

    def tell(self) -> None:
        if not self._is_told:
            return
        given = self._adoption.progress()[1]
        if self._is_live:
            print(f"\r{given:,} of {self._spans:,} spans", end="", file=sys.stderr)
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + SAY_SECONDS
            error = _books(self._destination)["last_error"]
            left = f"{given:,} of {self._spans:,} spans, {max(0, self._spans - given):,} left"
            print(left + (f"; last error: {error}" if error else ""), file=sys.stderr, flush=True)

    def end(self) -> None:
        if self._is_told and self._is_live:
            print("\r\x1b[K", end="", file=sys.stderr)


def _wait(
    adoption: Adoption,
    stop: Stop,
    exported: Callable[[], int],
    patience: float,
    progress: _Progress,
) -> None:
    before, since = -1, time.monotonic()
    while True:
        try:
            if adoption.wait(LOOK_SECONDS):
                break
        except OSError as error:
            _fail(str(error))
        progress.tell()
        if (now := exported()) != before:
            before, since = now, time.monotonic()
        if stop.asked or 0 < patience < time.monotonic() - since:
            adoption.stop()
    progress.end()


def _books(destination: str) -> dict[str, Any]:
    from spanwire import stats

    empty = {"exported": 0, "dropped": {}, "last_error": None}
    books: dict[str, Any] = stats()["traces"].get(destination, empty)
    return books


def _show(found: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([{**one, "folder": str(one["folder"])} for one in found], indent=2))
        return
    if not found:
        print("nothing: no process that has ended left a folder here")
    for one in found:
        since = datetime.fromtimestamp(one["created"] / 1e9, timezone.utc).isoformat(timespec="seconds")
        age = max(0, time.time() - one["created"] / 1e9)
        service = one["service"] or "(not known)"
        when = f"since {since} ({age:,.0f} s)" if one["created"] else "no files"
        print(
            f"{Path(one['folder']).name}: service {service}, {when}, {one['spans']:,} spans, "
            f"{one['damaged']:,} damaged, {one['bytes']:,} bytes"
        )
        for destination, spans in sorted(one["delivered"].items()):
            print(f"  {spans:,} of these spans were delivered to {destination}")
        for name, why in one["files"]:
            print(f"  {why}" if name == "." else f"  {name}: {why}")


def _fail(text: str) -> Any:
    print(f"spanwire recover: {text}", file=sys.stderr)
    raise typer.Exit(1)
