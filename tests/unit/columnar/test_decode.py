"""``decode_columns``: what it takes, what it gives, and what it says of bytes that are no request."""

import copy
import pickle
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spanwire
from spanwire._files.span_file import SpanFileWriter
from spanwire.columnar import AnyValues, SpanColumns, Strings, decode_columns, encode_columns
from spanwire_bench import _workloads
from tests.columns import rows_of_columns, rows_of_request
from tests.official import parse


def workload(name: str, count: int = 300) -> bytes:
    return spanwire.encode_spans(_workloads.make(name, count))


@pytest.mark.parametrize("name", _workloads.NAMES)
def test_rows_are_the_spans_of_the_request(name: str) -> None:
    data = workload(name)
    columns = decode_columns(data)
    assert len(columns) == 300
    assert rows_of_columns(columns) == rows_of_request(parse(data))


def test_columns_have_the_types_that_the_docs_tell() -> None:
    columns = decode_columns(workload("W5"))
    assert columns.trace_id.shape == (300, 16)
    assert (columns.span_id.shape, columns.parent_span_id) == ((300, 8), None)
    assert [str(array.dtype) for array in (columns.trace_id, columns.start, columns.end)] == [
        "uint8",
        "uint64",
        "uint64",
    ]
    types = {key: getattr(column.values, "dtype", type(column.values)) for key, column in columns.attributes.items()}
    assert types == {
        "http.request.method": Strings,
        "url.path": Strings,
        "http.response.status_code": np.dtype(np.int64),
        "server.load": np.dtype(np.float64),
        "cache.hit": np.dtype(np.bool_),
    }


def test_strings_are_views_of_the_request_and_nothing_can_be_written() -> None:
    data = workload("W5")
    columns = decode_columns(data)
    assert columns.name is not None
    names = columns.name.values
    assert isinstance(names, Strings)
    assert np.shares_memory(names.data, np.frombuffer(data, np.uint8))
    for array in (names.data, columns.trace_id, columns.start, columns.attributes["cache.hit"].values):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0  # type: ignore[index]


def test_a_request_may_be_bytes_a_buffer_a_file_or_several(tmp_path: Path) -> None:
    first, second = workload("W5", 3), workload("WR", 4)
    file = tmp_path / "spans.otlp"
    file.write_bytes(first + second)
    expected = rows_of_request(parse(first + second))
    sources: list[Any] = [
        first + second,
        bytearray(first + second),
        memoryview(first + second),
        file,
        str(file),
        [first, second],
    ]
    for source in [*sources, iter((first, second))]:
        assert rows_of_columns(decode_columns(source)) == expected
    with pytest.raises(OSError, match="missing"):
        decode_columns(tmp_path / "missing")
    with pytest.raises(TypeError, match="int is no source of requests: give bytes"):
        decode_columns(3)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["spans.otlp", "spans.json", "spans.jsonl.gz", "spans.pb.zst", "spans.parquet"])
def test_a_file_is_known_by_its_content(name: str, tmp_path: Path) -> None:
    data = workload("WR", 30)
    file = tmp_path / name
    if name.endswith(".parquet"):
        parquet = pytest.importorskip("pyarrow.parquet", reason="not applicable: no pyarrow in this environment")
        parquet.write_table(decode_columns(data).to_arrow(), file)
    else:
        with SpanFileWriter(file) as writer:
            writer.write(data)
    unnamed = file.rename(tmp_path / "spans")
    assert rows_of_columns(decode_columns(unnamed)) == rows_of_request(parse(data))


@pytest.mark.parametrize("nothing", [b"", [], b"\x0a\x00"])
def test_a_request_without_spans_has_columns_without_rows(nothing: bytes) -> None:
    columns = decode_columns(nothing)
    assert (len(columns), columns.attributes, columns.groups) == (0, {}, ())


def test_several_bodies_are_one_stream() -> None:
    data = workload("W5", 3)
    assert rows_of_columns(decode_columns([data[:30], data[30:]])) == rows_of_columns(decode_columns(data))


@pytest.mark.parametrize("again", [lambda columns: pickle.loads(pickle.dumps(columns)), copy.copy, copy.deepcopy])
def test_columns_can_be_pickled_and_copied(again: Callable[[SpanColumns], SpanColumns]) -> None:
    data = workload("W5") + workload("W10")
    columns = decode_columns(data)
    twin = again(columns)
    assert rows_of_columns(twin) == rows_of_columns(columns)
    assert encode_columns(twin) == encode_columns(columns) == encode_columns(again(twin))
    assert twin.groups == columns.groups
    with pytest.raises(AttributeError, match="checked when it is made"):
        twin.name = columns.name


def test_a_pickle_has_the_request_once() -> None:
    data = workload("W5")
    assert pickle.dumps(decode_columns(data)).count(data) == 1


def test_malformed_bytes_are_refused_with_the_offset() -> None:
    data = workload("W5", 2)
    with pytest.raises(
        ValueError, match=rf"malformed OTLP: a length of \d+ with {len(data) - 4} bytes left at byte 1$"
    ):
        decode_columns(data[:-1])
    with pytest.raises(ValueError, match=f"malformed OTLP: a value cut short at byte {len(data) + 1}"):
        decode_columns([data, b"\x0a"])


def test_values_that_are_split_on_the_wire_are_put_together() -> None:
    # A value in two parts, each with an array: protobuf merges them. The views are behind the request's bytes.
    value = b"\x12\x06\x2a\x04\x0a\x02\x18\x01" + b"\x12\x06\x2a\x04\x0a\x02\x18\x02"
    attribute = b"\x0a\x01k" + value
    span = b"\x4a" + bytes([len(attribute)]) + attribute
    data = b"\x0a" + bytes([len(span) + 4, 0x12, len(span) + 2, 0x12, len(span)]) + span
    columns = decode_columns(data)
    assert isinstance(columns.attributes["k"].values, AnyValues)
    assert columns.attribute("k") == [(1, 2)]
    assert rows_of_columns(columns) == rows_of_request(parse(data))


def test_columns_live_as_long_as_their_arrays() -> None:
    names = decode_columns(bytes(bytearray(workload("W10", 50)))).name
    assert names is not None
    assert names.to_list() == ["benchmark.span.name"] * 50


def test_the_gil_is_released_while_decoding() -> None:
    data = workload("W10", 2000) * 50

    def goes_on_meanwhile() -> bool:
        begun, done = threading.Event(), threading.Event()

        def decode() -> None:
            begun.set()
            decode_columns(data)
            done.set()

        thread = threading.Thread(target=decode)
        thread.start()
        begun.wait()
        is_under_way = not done.is_set()
        thread.join()
        return is_under_way

    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)  # from here on, a thread that has the GIL keeps it until it lets go of it
    try:
        # On a busy machine this thread may not have its turn before all is decoded; with the GIL held it never has.
        assert any(goes_on_meanwhile() for _ in range(50))
    finally:
        sys.setswitchinterval(interval)
