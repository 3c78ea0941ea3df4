"""Requests, and files of them, to columns."""

import os
from collections.abc import Iterable

from spanwire._files.span_file import SpanFile
from spanwire.columnar._decode import decode_requests
from spanwire.columnar._span_columns import SpanColumns

__all__ = ["decode_columns"]


def decode_columns(source: "bytes | str | os.PathLike[str] | Iterable[bytes]") -> SpanColumns:
    """Decode ``ExportTraceServiceRequest`` messages into columns, without a Python object for each span.

    Strings are not copied: columns of them are views of the request's memory, which they keep alive. All arrays are read-only. The
    GIL is released meanwhile. A key's column has the type of its first value; attributes that do not fit (another type, another
    order, a key twice) are among the ragged ones, with what follows them, so that :func:`encode_columns` gives the same bytes
    again. Fields that opentelemetry-proto does not declare are left out.

    :param source: the bytes of a request (taken as they are; other buffers are copied); an iterable of such bytes, which
        are joined and taken as one stream: where one of them ends is not looked at; or the path of a file: protobuf, JSON, JSON
        lines or Parquet, with gzip or zstd or without, known by its content.
    :raises ValueError: for bytes that are no OTLP; the text has the offset (in all requests together, if there are several).
    :raises OSError: for a file that cannot be read.
    :raises ImportError: for Parquet without pyarrow.
    """
    if not isinstance(source, (str, os.PathLike)):
        return decode_requests(source)
    with SpanFile(source) as file:
        if file.format == "parquet":
            from spanwire.columnar._arrow import read_parquet  # needs pyarrow

            return read_parquet(os.fspath(source))
        return decode_requests(b"".join(request for request, _ in file))
