"""``spanwire convert``: a file of spans in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spanwire.cli._file_options import (
    FileFormat,
    FormatOption,
    InputArgument,
    LimitOption,
    Packing,
    PartialOption,
    fail,
    failing,
    opened,
    progress,
)

__all__ = ["convert"]


def _unknown_ending(out: str) -> str:
    """The ending of a file's name that is none of a format or compression; nothing for a device or a name without one."""
    from spanwire._files.span_file import by_name

    path = Path(out)
    if by_name(out)[1] is not None:
        path = path.with_suffix("")
    return "" if path.exists() and not path.is_file() else path.suffix


def convert(
    source_file: InputArgument,
    out: Annotated[str, typer.Argument(metavar="OUT|-", help="File to write; - for standard output.")],
    kind: FormatOption = None,
    to: Annotated[
        FileFormat | None, typer.Option(help="The format to write. Default: by the name's ending, else protobuf.")
    ] = None,
    compression: Annotated[
        Packing | None, typer.Option(help="How to compress. Default: by the name's ending: .gz, .zst.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    partial: PartialOption = False,
    limit: LimitOption = None,
    color: Annotated[bool, typer.Option(help="Colours (NO_COLOR is obeyed).")] = True,
) -> None:
    """Convert spans between OTLP protobuf, JSON, JSON lines and Parquet, compressed or not.

    Endings of names: .pb, .json, .jsonl, .parquet, and after them .gz or .zst. The new file appears when it is complete.
    """
    from spanwire._files.span_file import BrokenFileError, SpanFileWriter, by_name

    ending, _ = by_name(out)
    if to is None and ending is None and (unknown := _unknown_ending(out)):
        fail(
            "convert",
            f"the ending {unknown} of {out} names no format: end it in .pb, .json, .jsonl or .parquet, or give --to",
        )
    spans = 0
    broken: BrokenFileError | None = None
    with failing("convert"):
        try:
            with opened(source_file, kind, limit) as source, progress(source, "converting", color=color) as tell:
                writer = SpanFileWriter(
                    out,
                    format=None if to is None else to.value,
                    compression=None if compression is None else compression.value,
                    force=force,
                )
                with writer:
                    try:
                        for request, count in source:
                            writer.write(request)
                            spans += count
                            tell()
                    except BrokenFileError as error:
                        if not partial:
                            raise
                        broken = error
        except FileExistsError as error:
            fail("convert", f"{error.filename} exists: --force replaces it")
        except BrokenFileError as error:
            fail(
                "convert", f"{source.name}: {error}; nothing was written (--partial takes the {spans:,} spans in front)"
            )
    if out != "-":
        packed = "" if writer.compression is None else f", {writer.compression}"
        print(f"{spans:,} spans, {writer.written:,} bytes of {writer.format}{packed}: {out}")
    if broken is not None:
        fail("convert", f"{source.name}: {broken}")
