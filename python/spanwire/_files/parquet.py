"""Parquet files of spans, a row a span, by pyarrow."""

from collections.abc import Iterator
from typing import IO, Any

__all__ = ["ParquetWriter", "read_parquet"]

_ROWS = 8192  # at once; a request has so many spans


class ParquetWriter:
    """Collects requests and writes them as one table at the end: columns are only known when everything was seen."""

    def __init__(self, file: IO[bytes], codec: str) -> None:
        self._parquet = _pyarrow()
        self._file = file
        self._codec = codec
        self._requests: list[bytes] = []

    def write(self, request: bytes) -> None:
        """Keep a request for the end."""
        self._requests.append(request)

    def finish(self) -> None:
        """Write everything."""
        from spanwire.columnar._arrow import to_arrow
        from spanwire.columnar._decode import decode_requests

        table = to_arrow(decode_requests(self._requests))
        self._requests = []
        self._parquet.write_table(table, self._file, compression=self._codec)


def read_parquet(file: IO[bytes]) -> Iterator[tuple[bytes, int, float]]:
    """Requests, the number of spans of each, and what share of the rows was read.

    :raises ValueError: if it is no Parquet file of spans.
    """
    parquet = _pyarrow()
    from spanwire.columnar._arrow import from_arrow
    from spanwire.columnar._encode import encode_columns

    try:
        table: Any = parquet.ParquetFile(file)
        total, seen = max(1, table.metadata.num_rows), 0
        for batch in table.iter_batches(batch_size=_ROWS):
            columns = from_arrow(batch)
            seen += len(columns)
            for request in encode_columns(columns):
                yield bytes(request), len(columns), seen / total
    except (ArithmeticError, LookupError, OSError, TypeError) as error:
        # Whatever pyarrow says of a broken file; its ArrowInvalid is a ValueError.
        raise ValueError(f"no Parquet file of spans: {error}") from error


def _pyarrow() -> Any:
    import importlib

    try:
        return importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise ImportError("Parquet needs pyarrow: pip install 'spanwire[arrow]'", name="pyarrow") from error
