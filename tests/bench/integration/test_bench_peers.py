"""The peers that are programs: each is built, delivers what the SDK sends, and gives no figure for spans that are lost."""

import json
import pathlib
import shutil
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from spanwire.sink import Sink
from spanwire_bench import _delivery, _mirror, _peers
from spanwire_bench._delivery import Bench, Lost
from tests.conftest import NOT_APPLICABLE, ROOT

FOLDER = ROOT / "benches" / "peers"
pytestmark = pytest.mark.slow

RUST = ("opentelemetry-rust", "fastrace")
OWN_BATCHES = ("fastrace",)
BATCHES = {"opentelemetry-java": 2048}  # it makes many spans, and a request takes it 40 ms


@cache
def built(side: str) -> "subprocess.CompletedProcess[str]":
    """Once: Maven takes its time even where nothing is to be done."""
    return subprocess.run([FOLDER / side / "build"], capture_output=True, text=True, check=False, timeout=800)


def build(side: str) -> None:
    """Skips where its toolchain is missing."""
    done = built(_peers.folder(side))
    if done.returncode == 3:
        pytest.skip(NOT_APPLICABLE + done.stderr.strip())
    assert done.returncode == 0, done.stderr


def figures(*arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "spanwire", "bench", "export", *arguments, "--json"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def program(monkeypatch: pytest.MonkeyPatch, path: pathlib.Path, text: str) -> Bench:
    """A bench of a program in Python instead of fastrace."""
    path.write_text(f"#!{sys.executable}\n{text}", encoding="utf-8")
    path.chmod(0o755)
    monkeypatch.setattr(_peers, "program", lambda side: path)
    return Bench(["fastrace"], peer_python=sys.executable, sender_core=None, receiver_core=None)


@pytest.mark.full
@pytest.mark.parametrize(("workload", "compression"), [("W5", "none"), ("W10", "gzip")])
@pytest.mark.parametrize("side", _peers.PROGRAMS)
def test_a_peer_delivers_what_the_sdk_sends(side: str, workload: str, compression: str) -> None:
    build(side)
    batch = BATCHES.get(side, 256)
    spans = 60_000 if side == "opentelemetry-java" else 3_000  # Java is told its CPU in steps of 10 ms
    said = figures(
        *("--sides", f"sdk,{side}", "--workload", workload, "--compression", compression),
        *("--rounds", "1", "--spans", str(spans), "--batch", str(batch)),
    )
    assert said["method"]["left_out"] == []
    assert said["method"]["peer_versions"][side].split(",")[0].count(".") == 2
    (row,) = said["results"]
    assert list(row["sides"]) == ["sdk", side]
    one = row["sides"][side]
    assert one["minimum"] > 0
    assert one["spans_per_round"] >= spans
    assert one["delivered"] > one["spans_per_round"]
    assert one["spans_per_request"] >= 1
    assert batch / 2 < one["spans_per_request"] <= batch or side in OWN_BATCHES
    assert one["note"] == _peers.note(side)


@pytest.mark.full
def test_a_peer_whose_spans_do_not_arrive_says_so_and_gives_no_figure() -> None:
    """All at once: each has patience."""
    sides = [side for side in _peers.PROGRAMS if (ROOT / _peers.program(side)).exists()]
    if not sides:
        pytest.skip(NOT_APPLICABLE + "no peer is built")
    with Sink() as sink, _mirror.file() as nobody_writes:
        arguments = [sink.traces_endpoint, str(nobody_writes), "64", "0", "0", "none"]
        started = {
            side: subprocess.Popen(
                [ROOT / _peers.program(side), _peers.told(side, "W5"), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for side in sides
        }
        said = {side: (process.communicate(timeout=90), process.returncode) for side, process in started.items()}
    for side, ((out, errors), status) in said.items():
        assert (side, out, status) == (side, "", 1)
        assert "spans were lost: 64 spans made, 0 received" in errors, side
    assert sink.span_count == 64 * len(sides)


@pytest.mark.full
@pytest.mark.parametrize("side", _peers.PROGRAMS)
def test_a_peer_refuses_what_it_cannot_do(side: str) -> None:
    build(side)
    endpoint = "http://127.0.0.1:9/v1/traces"
    for arguments, why in (
        ([told := _peers.told(side, "WR"), endpoint, "/dev/null", "64", "0", "0", "none"], f"no workload {told}"),
        (["W5", endpoint], "arguments: WORKLOAD ENDPOINT MIRROR SPANS SECONDS BATCH COMPRESSION"),
    ):
        done = subprocess.run(
            [ROOT / _peers.program(side), *arguments], capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.stdout, done.returncode) == ("", 1)
        assert why in done.stderr


@pytest.mark.full
@pytest.mark.parametrize("side", RUST)
def test_clippy_has_nothing_to_say_of_a_peer(side: str) -> None:
    if shutil.which("cargo") is None:
        pytest.skip(NOT_APPLICABLE + "there is no cargo")
    done = subprocess.run(
        [
            *("cargo", "clippy", "-q", "--locked", "--release", "--target-dir", "build/peers/target"),
            *("--manifest-path", FOLDER / side / "Cargo.toml", "--", "-D", "warnings"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("side", "missing"),
    [
        ("opentelemetry-rust", "cargo"),
        ("fastrace", "cargo"),
        ("opentelemetry-go", "go"),
        ("opentelemetry-java", "mvn"),
    ],
)
def test_without_its_toolchain_a_peer_is_not_built_and_says_why(
    side: str, missing: str, tmp_path: pathlib.Path
) -> None:
    checkout = tmp_path / "benches" / "peers" / side
    checkout.mkdir(parents=True)
    shutil.copy(FOLDER / side / "build", checkout)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "dirname"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    done = subprocess.run(
        [programs / "bash", checkout / "build"],
        env={"PATH": str(programs)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"{side} is not built: {missing} is missing; install ")


def test_a_program_that_sends_less_than_it_made_gives_no_figure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    says = """print("sampled", flush=True); input(); print('{"spans": 64, "cpu_ns": 1, "made": 64}')"""
    with (
        program(monkeypatch, tmp_path / "run", says) as bench,
        pytest.raises(Lost, match="fastrace: 64 spans made, 0 received"),
    ):
        bench.measure("W5", rounds=1, spans=64, seconds=0)


def test_a_program_that_fails_is_told_with_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    with (
        program(monkeypatch, tmp_path / "run", "import sys; sys.exit('spans were lost')") as bench,
        pytest.raises(Lost, match="fastrace: spans were lost"),
    ):
        bench.measure("W5", rounds=1, spans=64, seconds=0)


@pytest.mark.parametrize("says", ["", "print('samp', end='', flush=True);"])
def test_a_program_that_never_sends_its_sample_is_ended_and_told(
    says: str, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setattr(_delivery, "_SAMPLE_SECONDS", 0.5)
    with (
        program(monkeypatch, tmp_path / "run", f"import time; {says} time.sleep(100)") as bench,
        pytest.raises(Lost, match=r"fastrace: its sample was not sent after 0\.5 s"),
    ):
        bench.measure("W5", rounds=1, spans=64, seconds=0)


def test_a_program_gets_the_arguments_that_the_protocol_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    says = "import sys; sys.exit(' '.join(sys.argv[1:]))"
    with program(monkeypatch, tmp_path / "run", says) as bench, pytest.raises(Lost) as lost:
        bench.measure("W10", rounds=1, spans=0, seconds=0.5)
    _, workload, endpoint, mirror, *rest = str(lost.value).split()
    assert (workload, rest) == ("W10", ["0", "0.5", "0", "gzip"])
    assert endpoint.startswith("http://127.0.0.1:") and endpoint.endswith("/v1/traces")
    assert not pathlib.Path(mirror).exists()  # no longer


def test_a_workload_that_no_side_makes_gives_no_figure() -> None:
    with (
        Bench(["fastrace"], peer_python=sys.executable, sender_core=None, receiver_core=None) as bench,
        pytest.raises(Lost, match="WR is not made by fastrace"),
    ):
        bench.measure("WR", rounds=1, spans=64, seconds=0)


def test_every_side_that_can_be_told_sends_so_many_spans_a_request() -> None:
    said = figures(
        *("--sides", "sdk,exporter,spanwire", "--workload", "W5", "--rounds", "1", "--spans", "4096", "--batch", "100")
    )
    assert said["method"]["batch"] == 100
    for one in said["results"][0]["sides"].values():
        assert 50 < one["spans_per_request"] <= 100
        assert one["note"] == ""


def test_a_batch_that_is_larger_than_the_default_queue_loses_nothing() -> None:
    said = figures(
        *("--sides", "sdk,spanwire", "--workload", "W5", "--rounds", "1", "--spans", "20000", "--batch", "4096")
    )
    for one in said["results"][0]["sides"].values():
        assert one["spans_per_request"] > 1000
