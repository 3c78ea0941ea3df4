"""What the commands that read files of spans have in common: options, progress, how they say what went wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from spanwire._files.span_file import SpanFile

__all__ = [
    "FileFormat",
    "FormatOption",
    "InputArgument",
    "LimitOption",
    "Packing",
    "PartialOption",
    "fail",
    "failing",
    "opened",
    "progress",
]

LARGE_BYTES = 16 << 20  # below it, nobody needs to see progress


class FileFormat(str, Enum):
    """How requests stand in a file."""

    protobuf = "protobuf"
    delimited = "delimited"
    prefixed = "prefixed"
    json = "json"
    jsonl = "jsonl"
    parquet = "parquet"


class Packing(str, Enum):
    """How a file is compressed."""

    none = "none"
    gzip = "gzip"
    zstd = "zstd"


InputArgument = Annotated[str, typer.Argument(metavar="FILE|-", help="File of spans; - for standard input.")]
FormatOption = Annotated[
    FileFormat | None,
    typer.Option(
        "--format",
        "--from",
        metavar="FORMAT",
        help="The file's format, where the guess is wrong: protobuf, delimited, prefixed, json, jsonl or parquet.",
    ),
]
LimitOption = Annotated[
    int | None,
    typer.Option(min=0, help="Bytes that what is compressed may have after decompression; 0: any. Default: 16 GiB."),
]
PartialOption = Annotated[bool, typer.Option(help="Of a broken file, take what is whole in front of the break.")]


def fail(command: str, text: object) -> NoReturn:
    """End the command with one line that says why."""
    print(f"spanwire {command}: {text}", file=sys.stderr)
    raise typer.Exit(1)


@contextmanager
def failing(command: str) -> Iterator[None]:
    """Say what the system refuses in one line. Whoever reads our output may stop to."""
    try:
        yield
    except BrokenPipeError as error:
        # The interpreter must not try to flush it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from error
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        fail(command, f"{where}{error.strerror or error}")
    except ImportError as error:
        if error.name not in ("numpy", "pyarrow"):
            raise
        fail(command, error)
    except KeyboardInterrupt as error:
        raise typer.Exit(130) from error


def opened(file: str, kind: FileFormat | None, limit: int | None) -> SpanFile:
    """The file, as the options say."""
    from spanwire._files.span_file import DEFAULT_LIMIT, SpanFile

    bound = DEFAULT_LIMIT if limit is None else limit or (1 << 64) - 1
    return SpanFile(file, format=None if kind is None else kind.value, limit=bound)


@contextmanager
def progress(source: SpanFile, label: str, *, color: bool) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, on stderr, for a large file or one of unknown size; what is given is called now and then."""
    from spanwire.cli._render import make_console

    console = make_console(color=color, stderr=True)
    if not console.is_terminal or (source.size is not None and source.size < LARGE_BYTES):
        yield lambda: None
        return
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, refresh_per_second=8) as live:
        task = live.add_task(label, total=source.size)
        yield lambda: live.update(task, completed=source.position)
