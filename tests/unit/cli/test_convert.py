"""``spanwire convert``: formats by name and by option, what is refused, what is left behind."""

import importlib
import itertools
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spanwire._files.span_file import SpanFile
from spanwire._native import decode_spans, traces_from_json
from spanwire.cli import make_app
from tests.post import request


def run(*arguments: object, data: bytes = b"", status: int = 0) -> Any:
    result = CliRunner().invoke(make_app(), ["convert", *map(str, arguments)], input=data)
    assert result.exit_code == status, result.output
    return result


def names(path: Path) -> tuple[list[str], str | None, list[str]]:
    with SpanFile(path) as source:
        spans = [span.name for body, _ in source for span in decode_spans(body)]
        return spans, source.format, source.compressions


def test_names_decide_formats_in_a_chain(tmp_path: Path) -> None:
    (tmp_path / "a.pb").write_bytes(request(3))
    chain = ["a.pb", "b.json", "c.jsonl.gz", "d.pb.zst", "e.otlp"]
    for source, out in itertools.pairwise(chain):
        assert run(tmp_path / source, tmp_path / out).stdout.startswith("3 spans, ")
    assert (tmp_path / "e.otlp").read_bytes() == traces_from_json((tmp_path / "b.json").read_bytes())
    assert names(tmp_path / "c.jsonl.gz") == (["span 0", "span 1", "span 2"], "json", ["gzip"])
    assert names(tmp_path / "d.pb.zst")[2] == ["zstd"]


def test_options_decide_over_names(tmp_path: Path) -> None:
    out = tmp_path / "out.json.gz"
    run("-", out, "--to", "prefixed", "--compression", "none", data=request(2))
    assert out.read_bytes() == len(request(2)).to_bytes(4, "big") + request(2)
    run(out, tmp_path / "again", "--from", "prefixed", "--to", "delimited", "--compression", "zstd")
    assert names(tmp_path / "again") == (["span 0", "span 1"], "delimited", ["zstd"])


def test_standard_output_has_nothing_but_the_file() -> None:
    assert run("-", "-", data=request(2)).stdout_bytes == request(2)


def test_what_is_there_is_replaced_by_force_only(tmp_path: Path) -> None:
    out = tmp_path / "out.pb"
    out.write_text("before")
    result = run("-", out, data=request(1), status=1)
    assert result.stderr == f"spanwire convert: {out} exists: --force replaces it\n"
    assert out.read_text() == "before"
    run("-", out, "--force", data=request(1))
    assert out.read_bytes() == request(1)


@pytest.mark.parametrize("partial", [False, True])
def test_of_a_broken_file_nothing_is_written_unless_asked(tmp_path: Path, partial: bool) -> None:
    out = tmp_path / "out.pb"
    result = run("-", out, *["--partial"] * partial, data=request(3)[:-1], status=1)
    assert "broken at byte" in result.stderr
    if partial:
        assert names(out)[0] == ["span 0", "span 1"]
    else:
        assert "nothing was written (--partial takes the 2 spans in front)" in result.stderr
        assert not list(tmp_path.iterdir())


def test_a_file_can_replace_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.pb"
    path.write_bytes(request(3))
    run(path, path, "--to", "jsonl", "--force")
    assert names(path) == (["span 0", "span 1", "span 2"], "json", [])


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    out = tmp_path / "no" / "out.pb"
    assert f"{out.parent}" in run("-", out, data=request(1), status=1).stderr


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    for arguments in (["-", tmp_path / "a.parquet"], ["-", "-", "--from", "parquet"]):
        result = run(*arguments, data=request(1), status=1)
        assert result.stderr == "spanwire convert: Parquet needs pyarrow: pip install 'spanwire[arrow]'\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="not applicable: pyarrow is not in this environment")
def test_what_is_no_parquet_of_spans_is_said(tmp_path: Path) -> None:
    parquet: Any = importlib.import_module("pyarrow.parquet")
    arrow: Any = importlib.import_module("pyarrow")
    parquet.write_table(arrow.table({"a": [1]}), tmp_path / "other.parquet")
    for data in ((tmp_path / "other.parquet").read_bytes(), b"PAR1", b"PAR1" + bytes(1000) + b"PAR1"):
        assert run("-", "-", data=data, status=1).stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["out.xyz", "out.txt.gz", "spans.pbb"])
def test_an_ending_that_names_no_format_is_an_error_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    source, out = tmp_path / "in.pb", tmp_path / name
    source.write_bytes(request())
    result = run(source, out, status=1)
    assert f"{out} names no format: end it in .pb, .json, .jsonl or .parquet, or give --to" in result.stderr
    assert not out.exists()
    run(source, out, "--to", "protobuf")
    assert out.exists()


def test_a_name_without_an_ending_is_protobuf(tmp_path: Path) -> None:
    source, out = tmp_path / "in.pb", tmp_path / "out"
    source.write_bytes(request())
    run(source, out)
    assert out.read_bytes() == source.read_bytes()
