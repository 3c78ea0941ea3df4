"""Files of spans as Python sees them: names, temporary files, what is refused."""

import gzip
import io
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from spanwire._files.span_file import BrokenFileError, SpanFile, SpanFileWriter, by_name
from tests.post import request


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.pb", ("protobuf", None)),
        ("spans.JSON", ("json", None)),
        ("x.y.jsonl.gz", ("jsonl", "gzip")),
        ("a.ndjson.zst", ("jsonl", "zstd")),
        ("a.parquet", ("parquet", None)),
        ("a.gz", (None, "gzip")),
        ("traces", (None, None)),
        ("-", (None, None)),
    ],
)
def test_names_tell_format_and_compression(name: str, expected: object) -> None:
    assert by_name(name) == expected


def listed(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def bodies(place: Any, **options: Any) -> list[bytes]:
    with SpanFile(place, **options) as source:
        return [body for body, _ in source]


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "out.pb"
    with SpanFileWriter(path) as out:
        out.write(request(2))
        assert not path.exists()
    assert path.read_bytes() == request(2)
    assert listed(tmp_path) == ["out.pb"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_an_exception_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("before")
    out = SpanFileWriter(path, force=True)

    def write() -> None:
        with out:
            out.write(request(2))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert listed(tmp_path) == ["out.json"]
    assert path.read_text() == "before"


def test_a_file_that_is_there_is_refused_early_and_late(tmp_path: Path) -> None:
    path = tmp_path / "out.pb"

    def write() -> None:
        with SpanFileWriter(path) as out:
            out.write(request(1))
            path.write_text("came meanwhile")

    with pytest.raises(FileExistsError):
        write()
    assert path.read_text() == "came meanwhile"
    with pytest.raises(FileExistsError):
        SpanFileWriter(path)
    assert listed(tmp_path) == ["out.pb"]


def test_force_keeps_mode_and_link(tmp_path: Path) -> None:
    path, link = tmp_path / "out.pb", tmp_path / "link"
    path.write_text("before")
    path.chmod(0o600)
    link.symlink_to(path)
    with SpanFileWriter(link, force=True) as out:
        out.write(request(1))
    assert link.is_symlink()
    assert path.read_bytes() == request(1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_no_request_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="malformed OTLP"), SpanFileWriter(tmp_path / "out.json") as out:
        out.write(b"\x0a\xff")
    assert not listed(tmp_path)


def test_a_file_says_what_it_is_and_how_far_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "spans"
    path.write_bytes(gzip.compress(gzip.compress(request(3))))
    with SpanFile(path) as source:
        assert (source.format, source.compressions) == ("protobuf", ["gzip", "gzip"])
        assert [count for _, count in source] == [3]
        assert source.position == source.size == path.stat().st_size


def test_what_is_whole_comes_before_the_error() -> None:
    body = request(3)
    found: list[bytes] = []

    def read() -> None:
        with SpanFile(gzip.compress(body)[:-9]) as source:
            found.extend(one for one, _ in source)

    with pytest.raises(BrokenFileError, match="the gzip data cannot be decompressed further") as caught:
        read()
    assert b"".join(found) == body
    assert caught.value.offset == len(body)


def test_the_limit_counts_what_is_decompressed() -> None:
    packed = gzip.compress(request(1000))
    assert sum(map(len, bodies(packed, limit=len(request(1000))))) == len(request(1000))
    with pytest.raises(BrokenFileError, match="more than the limit of 1000 bytes after decompression"):
        bodies(packed, limit=1000)


def test_an_error_of_the_source_goes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 0:
                raise KeyboardInterrupt
            return super().read(size)

    monkeypatch.setattr("spanwire._files.span_file.io.BytesIO", Failing)
    with pytest.raises(KeyboardInterrupt):
        bodies(request(1))


@pytest.mark.parametrize("data", [b"", b"{}", b"{}\n{}", b"\0\0\0\0"])
def test_files_without_spans_have_none(data: bytes) -> None:
    assert [body for body in bodies(data) if body] == []


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        SpanFile(tmp_path)
