"""Files of recorded spans, whatever format they have: requests out of them and into them.

A request is the bytes of an ``ExportTraceServiceRequest``. Reading holds one message at a time, so files may be larger than memory.
"""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Literal, Protocol, Union

from spanwire._files.new_file import NewFile, standard_input
from spanwire._native import FileReader, FileWriter

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["COMPRESSIONS", "DEFAULT_LIMIT", "FORMATS", "BrokenFileError", "SpanFile", "SpanFileWriter", "by_name"]

Format = Literal["protobuf", "delimited", "prefixed", "json", "jsonl", "parquet"]
Compression = Literal["gzip", "zstd"]
Place = Union[str, "os.PathLike[str]", bytes]

FORMATS: tuple[Format, ...] = ("protobuf", "delimited", "prefixed", "json", "jsonl", "parquet")
"""How requests stand in a file:

- ``protobuf``: as they are, one after the other, which is one request. Nothing is changed by reading and writing.
- ``delimited``: the length of each before it as a varint, as protobuf's own libraries write several messages.
- ``prefixed``: the length of each before it in four bytes, high byte first, as the Collector's file exporter writes with
  ``format: proto`` or a compression. Read, each may be protobuf or JSON, compressed or not.
- ``json``: OTLP/JSON, one document when written, any number when read.
- ``jsonl``: OTLP/JSON, a request a line, as the Collector's file exporter writes.
- ``parquet``: a row a span, written as a whole at the end; needs pyarrow and numpy.
"""

COMPRESSIONS: tuple[Compression, ...] = ("gzip", "zstd")

DEFAULT_LIMIT = 16 << 30
"""Bytes that what is compressed may have after decompression."""

_SUFFIXES: dict[str, Format] = {
    ".pb": "protobuf",
    ".binpb": "protobuf",
    ".bin": "protobuf",
    ".otlp": "protobuf",
    ".protobuf": "protobuf",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_PACKED: dict[str, Compression] = {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}
_PARQUET = b"PAR1"


class BrokenFileError(ValueError):
    """A file that is not what it should be, from some place on; the text says where and what."""

    def __init__(self, text: str, offset: int) -> None:
        super().__init__(text)
        self.offset = offset
        """The place, in bytes after decompression."""


def by_name(path: str) -> tuple[Format | None, Compression | None]:
    """What a file's name says of its format and its compression."""
    name = Path(path)
    compression = _PACKED.get(name.suffix.lower())
    if compression is not None:
        name = name.with_suffix("")
    return _SUFFIXES.get(name.suffix.lower()), compression


class SpanFile:
    """A file of spans, open for reading; a context manager. Iterating gives each request and the number of its spans.

    :param place: a path, ``-`` for standard input, or the content itself as bytes.
    :param format: one of :data:`FORMATS`; None guesses by the content.
    :param limit: bytes that what is compressed may have after decompression.
    :raises OSError: if it cannot be opened.
    """

    def __init__(self, place: Place, *, format: Format | None = None, limit: int = DEFAULT_LIMIT) -> None:
        self.position = 0
        """Bytes of the file that were read, compressed as they are."""
        self.size: int | None = None
        """Bytes of the file, if that is known."""
        self.name = "the data" if isinstance(place, bytes) else "standard input" if place == "-" else os.fspath(place)
        self._file: IO[bytes]
        self._own = True
        if isinstance(place, bytes):
            self._file, self.size = io.BytesIO(place), len(place)
        elif place == "-":
            # Unbuffered: what somebody types or follows is shown at once.
            stdin = standard_input()
            self._file, self._own = getattr(stdin, "raw", stdin), False
        else:
            self._file = Path(place).open("rb", buffering=0)  # noqa: SIM115  # closed by close()
            with contextlib.suppress(OSError, io.UnsupportedOperation):
                self.size = os.fstat(self._file.fileno()).st_size or None
        self._begun = b""
        try:
            self._begun = self._read_first()
            is_parquet = format == "parquet" or (format is None and self._begun == _PARQUET)
            self._reader = (
                None
                if is_parquet
                else FileReader(self._read, format=None if format == "parquet" else format, limit=limit)
            )
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what was opened."""
        if self._own:
            self._file.close()

    @property
    def compressions(self) -> list[str]:
        """The compressions around it, from the outside in."""
        return [] if self._reader is None else self._reader.compressions

    @property
    def format(self) -> str | None:
        """The format, guessed if it was not given; None if it is no known one."""
        return "parquet" if self._reader is None else self._reader.format()

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        """Each request and the number of its spans.

        :raises BrokenFileError: after all that is whole, if something is not.
        :raises OSError: if it cannot be read.
        """
        if self._reader is None:
            yield from self._parquet()
            return
        while (found := self._reader.next_request()) is not None:
            yield found
        if self._reader.broken is not None:
            offset, text = self._reader.broken
            raise BrokenFileError(text, offset)

    def _read_first(self) -> bytes:
        begun = b""
        while len(begun) < len(_PARQUET) and (more := self._file.read(len(_PARQUET) - len(begun))):
            begun += more
        return begun

    def _read(self, size: int) -> bytes:
        data, self._begun = self._begun, b""
        if not data:
            # None is for files that do not block.
            data = self._file.read(size) or b""
        self.position += len(data)
        return data

    def _parquet(self) -> Iterator[tuple[bytes, int]]:
        from spanwire._files.parquet import read_parquet

        # What was looked at is read again.
        file = self._file
        seekable = file.seekable()
        if seekable:
            file.seek(0)
        else:
            file = io.BytesIO(self._begun + file.read())
        try:
            for request, spans, share in read_parquet(file):
                self.position = int((self.size or 0) * share)
                yield request, spans
        except ValueError as error:
            raise BrokenFileError(" ".join(str(error).split()), 0) from error


class _Writer(Protocol):
    def write(self, request: bytes) -> None: ...
    def finish(self) -> None: ...


class SpanFileWriter:
    """A file of spans, open for writing; a context manager. It appears under its name when the block ends without an exception.

    :param place: a path, or ``-`` for standard output.
    :param format: one of :data:`FORMATS`; None goes by the name, protobuf where that says nothing.
    :param compression: one of :data:`COMPRESSIONS`, or ``none``; None goes by the name.
    :param force: replace a file that is there.
    :raises FileExistsError: if there is one, and ``force`` is not given.
    :raises OSError: if it cannot be opened.
    """

    def __init__(
        self,
        place: "str | os.PathLike[str]",
        *,
        format: Format | None = None,
        compression: Literal["gzip", "zstd", "none"] | None = None,
        force: bool = False,
    ) -> None:
        path = os.fspath(place)
        by_suffix, packed = by_name(path)
        self.format: Format = format or by_suffix or "protobuf"
        self.compression: Compression | None = None if compression == "none" else compression or packed
        self.written = 0
        """Bytes written so far."""
        self._new = NewFile(path, force=force)
        self._writer: _Writer
        try:
            if self.format == "parquet":
                from spanwire._files.parquet import ParquetWriter

                self._writer = ParquetWriter(self._new.file, compression or packed or "zstd")
            else:
                self._writer = FileWriter(self._write, format=self.format, compression=self.compression)
        except BaseException:
            self._new.close(complete=False)
            raise

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        complete = False
        try:
            if kind is None:
                self._writer.finish()
                if self.format == "parquet" and self._new.is_file:
                    self.written = self._new.file.tell()
                complete = True
        finally:
            self._new.close(complete=complete)

    def write(self, request: bytes) -> None:
        """Write a request."""
        self._writer.write(request)

    def _write(self, data: bytes) -> None:
        self._new.file.write(data)
        self.written += len(data)
