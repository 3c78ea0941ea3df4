"""Spans as columns: millions of them from numpy or Arrow to OTLP and back, without a Python object for each.

Needs numpy (``pip install 'spanwire[numpy]'``); Arrow data is taken and given through the PyCapsule interface.
"""

from spanwire.columnar import _numpy  # noqa: F401  # first: it says what is missing
from spanwire.columnar._columns import AnyValues, Binary, Column, Dictionary, Strings, as_column
from spanwire.columnar._encode import encode_columns
from spanwire.columnar._group import Group
from spanwire.columnar._items import Events, Links, RaggedAttributes
from spanwire.columnar._read import decode_columns
from spanwire.columnar._span_columns import SpanColumns

__all__ = [
    "AnyValues",
    "Binary",
    "Column",
    "Dictionary",
    "Events",
    "Group",
    "Links",
    "RaggedAttributes",
    "SpanColumns",
    "Strings",
    "as_column",
    "decode_columns",
    "encode_columns",
]
