"""``spanwire --version --verbose``: works without an extra, tells what is here, and fails where a check does."""

import re
import sys

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as official
from opentelemetry.sdk import trace as sdk

import spanwire
from spanwire.cli import _self_check, _version
from tests.processes import Ended, python

WITHOUT_EXTRA = "import sys; sys.modules['rich'] = sys.modules['typer'] = None; "
MAIN = "from spanwire.cli import main; main()"


def run(program: str, **environment: str) -> Ended:
    arguments = ("-W", "error", "-c", program, "--version", "--verbose")
    return python(*arguments, status=None, environment=environment or None)


def test_without_the_extra_it_tells_all_and_checks_all() -> None:
    done = run(WITHOUT_EXTRA + MAIN)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"spanwire {spanwire.__version__}\n")
    facts, checks = done.stdout.split("self-check\n")
    assert re.search(r"^  sdk +1\.\d+\S*, supported \(\S+\)$", facts, re.MULTILINE)
    assert re.search(rf"^  Python +CPython {re.escape(sys.version.split()[0])}, ", facts, re.MULTILINE)
    assert re.search(r"^  SIMD +\S+ of scalar", facts, re.MULTILINE)
    assert re.search(r"^  traces_exporter .*spanwire=", facts, re.MULTILINE)
    assert len(checks.splitlines()) == 4 and all(line.endswith(" ok") for line in checks.splitlines())


def test_what_applications_are_told_does_not_reach_the_checks() -> None:
    """A backend that does not exist, a sampler that says no, a proxy: the installation is sound all the same."""
    done = run(
        MAIN,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://localhost:1",
        OTEL_TRACES_SAMPLER="always_off",
        OTEL_SDK_DISABLED="true",
        HTTP_PROXY="http://localhost:1",
        OTEL_PYTHON_DISTRO="nobody",
        OTEL_PYTHON_CONFIGURATOR="spanwire",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "distro: OTEL_PYTHON_DISTRO=nobody names none that is installed" in done.stdout
    assert "configurator spanwire (by OTEL_PYTHON_CONFIGURATOR)" in done.stdout


@pytest.mark.parametrize(
    "damage",
    [
        "import spanwire; spanwire.encode_spans = lambda spans: b'wrong'; ",
        "import spanwire.sink; spanwire.sink.Sink.spans = lambda self: []; ",
        "from opentelemetry.sdk import trace; del trace.ReadableSpan; ",
    ],
)
def test_a_check_that_fails_says_so_and_decides_the_status(damage: str) -> None:
    done = run(damage + MAIN)

    assert done.returncode == 1
    assert "FAILED: " in done.stdout
    assert done.stdout.count("\n", done.stdout.index("self-check\n")) == 5  # the others are run all the same


def test_the_bytes_that_are_expected_are_the_official_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    caught: list[sdk.ReadableSpan] = []

    def catch(spans: list[sdk.ReadableSpan]) -> bytes:
        caught.extend(spans)
        return bytes.fromhex(_self_check.EXPECTED)

    monkeypatch.setattr(spanwire, "encode_spans", catch)
    assert _self_check._encodes() == ""
    assert official(caught).SerializeToString().hex() == _self_check.EXPECTED


def test_a_record_of_the_build_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    record = {
        "commit": "c0ffee",
        "seconds": 86400,
        "profile": "release",
        "lto": "fat",
        "target": "x86_64-linux-gnu.2.17",
    }
    monkeypatch.setattr(_version, "_record", lambda: {**record, "tools": {"rustc": "1.2.3", "cc": "clang 4"}})

    told = dict(_version._build())

    assert told["commit"] == "c0ffee of 1970-01-02"
    assert told["built"].startswith("release, LTO fat, ")
    assert told["compilers"] == "cc clang 4; rustc 1.2.3"
