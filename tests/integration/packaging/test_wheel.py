"""The wheels as a user gets them: in empty environments, outside the checkout, with nothing but their own dependencies."""

import json
import re
import zipfile
from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.conftest import ROOT
from tests.integration.packaging.environments import WHEELS, Environment, make, oldest, some_wheel

pytestmark = [pytest.mark.full, pytest.mark.wheel, pytest.mark.timeout(600)]

INSTRUMENTED = """
from opentelemetry import trace
tracer = trace.get_tracer("shop")
with tracer.start_as_current_span("order") as order:
    with tracer.start_as_current_span("pay") as pay:
        pay.set_attribute("amount", 3)
print(type(order).__module__)
"""


def name_of(wheel: Path | None) -> str:
    return "none" if wheel is None else "-".join(wheel.stem.split("-")[2:])


@pytest.fixture(scope="module", params=WHEELS, ids=name_of)
def wheel(request: pytest.FixtureRequest) -> Path:
    return some_wheel(request.param)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    return make(tmp_path_factory, wheel, "")


@pytest.fixture(scope="module")
def with_cli(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    return make(tmp_path_factory, wheel, "[cli]", "opentelemetry-distro")


@pytest.fixture(scope="module")
def with_bench(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    (bench,) = (ROOT / "wheelhouse" / "bench").glob("*.whl")
    return make(tmp_path_factory, wheel, "[cli]", str(bench))


@pytest.fixture(scope="module")
def with_oldest(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Environment:
    sdk = oldest()
    # Instrumentations and the SDK are released together: 1.33 with 0.54b0.
    minor = int(sdk.split(".")[1]) + 21
    distro = f"opentelemetry-distro>=0.{minor}b0,<0.{minor + 1}b0"
    return make(tmp_path_factory, wheel, "", f"opentelemetry-sdk=={sdk}.*", f"opentelemetry-api=={sdk}.*", distro)


def test_demo_without_the_cli_extra_says_in_one_line_what_to_install(plain: Environment) -> None:
    done = plain.run("spanwire", "demo", check=False)

    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "spanwire[cli]" in done.stderr


def test_wheel_pulls_in_no_protobuf_grpc_or_requests(plain: Environment) -> None:
    listed = plain.run(plain.python, "-m", "pip", "list", "--format=freeze").stdout.lower()

    assert "opentelemetry-sdk==" in listed
    for heavy in ("protobuf", "grpcio", "requests", "numpy", "rich", "typer"):
        assert f"\n{heavy}==" not in f"\n{listed}"


def test_wheel_encodes_without_its_extras(plain: Environment) -> None:
    program = (
        "from opentelemetry.sdk.trace import TracerProvider; import spanwire;"
        "s = TracerProvider(shutdown_on_exit=False).get_tracer('t').start_span('hello'); s.end();"
        "b = spanwire.encode_spans([s]); assert b'hello' in b; print(spanwire.__file__)"
    )

    where = plain.run(plain.python, "-W", "error", "-c", program).stdout

    assert where.startswith(str(plain.root))


def test_it_checks_itself_without_its_extras_and_says_how_it_was_built(plain: Environment) -> None:
    said = plain.run("spanwire", "--version", "--verbose").stdout

    facts, checks = said.split("self-check\n")
    assert checks.count(" ok\n") == len(checks.splitlines()) == 4
    assert re.search(r"^  commit +[0-9a-f]{40}", facts, re.MULTILINE)
    assert re.search(r"^  built +release, LTO fat, (not )?profile-guided$", facts, re.MULTILINE)
    assert re.search(r"^  compilers .*; rustc \d", facts, re.MULTILINE)
    assert f"{plain.root}/" in facts and str(ROOT) not in facts


def test_demo_runs_from_the_wheel_and_receives_what_it_sent(with_cli: Environment) -> None:
    done = with_cli.run("spanwire", "demo")  # its status says whether received = sent

    assert "received" in done.stdout


@pytest.mark.parametrize("sdk", ["newest", "oldest"])
def test_a_program_is_traced_without_a_change_to_it(wheel: Path, sdk: str, request: pytest.FixtureRequest) -> None:
    environment: Environment = request.getfixturevalue("with_cli" if sdk == "newest" else "with_oldest")
    (environment.elsewhere / "app.py").write_text(INSTRUMENTED, encoding="utf-8")
    with Sink() as sink:
        variables = {
            "OTEL_PYTHON_DISTRO": "spanwire",
            "OTEL_PYTHON_CONFIGURATOR": "spanwire",
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink.http_endpoint,
            "OTEL_SERVICE_NAME": "wheel",
        }
        done = environment.run("opentelemetry-instrument", environment.python, "app.py", variables=variables)
        spans = {span.name: span for span in sink.spans()}

    assert done.stdout.startswith("spanwire.")  # the class of its spans
    assert spans["pay"].parent_span_id == spans["order"].span_id
    assert spans["pay"].attributes["amount"] == 3
    assert spans["pay"].resource_attributes["service.name"] == "wheel"


def test_it_works_with_the_oldest_sdk(with_oldest: Environment) -> None:
    said = with_oldest.run("spanwire", "--version", "--verbose").stdout

    assert re.search(rf"^  sdk +{re.escape(oldest())}\.\d+, supported", said, re.MULTILINE)
    assert said.count(" ok\n") == 4


def test_bench_is_a_wheel_of_its_own(with_cli: Environment, with_bench: Environment) -> None:
    without = with_cli.run("spanwire", "bench", check=False)
    assert without.returncode == 1
    assert without.stderr.startswith("spanwire: the command bench needs spanwire-bench: pip install spanwire-bench")
    assert len(without.stderr.splitlines()) == 1
    assert "--compare" in with_bench.run("spanwire", "bench", "--help", variables={"COLUMNS": "200"}).stdout


def test_a_report_is_written_from_the_wheel(with_bench: Environment) -> None:
    program = (
        "from spanwire_bench.suite._html import render; from spanwire_bench.suite._model import Document;"
        "print(render(Document('', '', 0.0, True, {}, {}, {}, ())))"
    )
    page = with_bench.run(with_bench.python, "-W", "error", "-c", program).stdout
    assert "<style>" in page and "<script>" in page


def test_its_list_of_parts_is_what_the_lock_file_says(wheel: Path) -> None:
    """That each is valid by its schema, and the rest of what is in a wheel, is looked at by ci/wheels itself."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/sboms/spanwire.cdx.json"))
        parts = json.loads(archive.read(name))["components"]
        assert not [name for name in archive.namelist() if "bench" in name]
    lock = (ROOT / "native" / "Cargo.lock").read_text(encoding="utf-8")
    crates = [part for part in parts if part["purl"].startswith("pkg:cargo/")]
    assert len(crates) > 40
    for crate in crates:
        checksum = crate["hashes"][0]["content"]
        assert re.search(
            rf'name = "{crate["name"]}"\nversion = "{re.escape(crate["version"])}"\n.*\n.*{checksum}', lock
        )
    # Of the test programs and of the compiler's own work there is nothing.
    assert not {"criterion", "loom", "proptest", "syn", "pyo3-macros"} & {crate["name"] for crate in crates}
