"""What is loaded with the exporter: none of the official exporter's dependencies, nor the command's."""

import json
import os
import subprocess
import sys

import pytest

from spanwire.sink import Sink

HEAVY = {
    *("google.protobuf", "opentelemetry.proto", "opentelemetry.exporter", "googleapis_common_protos"),
    *("requests", "urllib3", "charset_normalizer", "idna", "certifi", "http.client", "ssl", "asyncio"),
    *("grpc", "numpy", "rich", "typer", "click"),
}

REPORT = "import json, sys; print(json.dumps(sorted(sys.modules)))"


def modules_after(program: str, *arguments: str) -> set[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{REPORT}", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def heavy(modules: set[str]) -> set[str]:
    return {module for module in modules if any(module == name or module.startswith(f"{name}.") for name in HEAVY)}


@pytest.mark.parametrize(
    "program",
    [
        "import spanwire",
        "import spanwire.exporter.http",
        "from spanwire.exporter.http import OTLPSpanExporter",
        "from spanwire.exporter.http.trace_exporter import OTLPSpanExporter; OTLPSpanExporter()",
        "import spanwire; spanwire.encode_spans([])",
        "import spanwire.sink",
    ],
)
def test_importing_us_loads_nothing_heavy(program: str) -> None:
    # What the SDK loads by itself is not ours to change.
    assert heavy(modules_after(program) - modules_after("import opentelemetry.sdk.trace.export")) == set()


def test_exporting_loads_nothing_heavy() -> None:
    program = """
import sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from spanwire.exporter.http import OTLPSpanExporter
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1])))
provider.get_tracer("t").start_span("s").end()
provider.shutdown()
"""
    with Sink() as sink:
        assert heavy(modules_after(program, sink.traces_endpoint)) <= heavy(
            modules_after("import opentelemetry.sdk.trace.export")
        )
        assert sink.span_count == 1


def test_the_version_and_compression_are_had_without_the_sdk() -> None:
    loaded = modules_after("from spanwire.exporter.http import Compression, __version__")
    assert {module for module in loaded if module.startswith("opentelemetry")} == set()
