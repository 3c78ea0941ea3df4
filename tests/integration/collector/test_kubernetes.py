"""The Collector's configuration in examples/kubernetes, in the real Collector: valid, healthy, and spans go through it."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from examples.launcher import answers, free_ports
from spanwire.exporter.http import OTLPSpanExporter
from spanwire.sink import Sink
from spanwire.trace import TracerProvider
from spanwire.trace.export import BatchSpanProcessor
from tests.conftest import ROOT, program

pytestmark = [pytest.mark.full, pytest.mark.collector, pytest.mark.requires_program("otelcol")]

CONFIG = ROOT / "examples" / "kubernetes" / "collector-config.yaml"
SPANS = 1_000


def environment(backend: str) -> dict[str, str]:
    """What the Deployment gives it."""
    return {**os.environ, "BACKEND_ENDPOINT": backend, "BACKEND_AUTHORIZATION": "Bearer of-a-test"}


def validate(config: Path) -> subprocess.CompletedProcess[str]:
    binary = program("otelcol")
    assert binary is not None
    return subprocess.run(
        [binary, "validate", "--config", str(config)],
        env=environment("http://localhost:4318"),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_collector_takes_the_configuration() -> None:
    done = validate(CONFIG)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("limit_percentage: 80", "limit_percent: 80", "limit_percent"),
        ("processors: [memory_limiter, batch]", "processors: [memory_limiter, batches]", "batches"),
    ],
)
def test_it_does_not_take_just_anything(right: str, wrong: str, said: str, tmp_path: Path) -> None:
    text = CONFIG.read_text(encoding="utf-8")
    assert right in text
    (tmp_path / "config.yaml").write_text(text.replace(right, wrong), encoding="utf-8")
    done = validate(tmp_path / "config.yaml")
    assert done.returncode != 0 and said in done.stderr


def test_what_it_takes_arrives_at_the_backend_with_its_authorization(tmp_path: Path) -> None:
    binary = program("otelcol")
    assert binary is not None
    otlp, health = free_ports(2)
    here = tmp_path / "here.json"  # JSON is YAML; what it says is put over the configuration
    here.write_text(
        json.dumps(
            {
                "extensions": {"health_check": {"endpoint": f"127.0.0.1:{health}"}},
                "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{otlp}"}}}},
                "service": {"telemetry": {"metrics": {"level": "none"}}},
            }
        ),
        encoding="utf-8",
    )
    with Sink() as backend:
        process = subprocess.Popen(
            [binary, "--config", str(CONFIG), "--config", str(here)],
            env=environment(backend.http_endpoint),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            until = time.monotonic() + 30
            while not answers(f"http://127.0.0.1:{health}/"):
                assert process.poll() is None and time.monotonic() < until
                time.sleep(0.05)
            provider = TracerProvider(shutdown_on_exit=False)
            provider.add_span_processor(
                BatchSpanProcessor(OTLPSpanExporter(endpoint=f"http://127.0.0.1:{otlp}/v1/traces"))
            )
            tracer = provider.get_tracer("test")
            for number in range(SPANS):
                tracer.start_span(f"span {number}").end()
            provider.shutdown()
            process.send_signal(signal.SIGTERM)  # what waits in its batch is sent first
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
            process.communicate()
    assert process.returncode == 0, said
    assert {span.name for span in backend.spans()} == {f"span {number}" for number in range(SPANS)}
    assert backend.span_count == SPANS
    assert {dict(request.headers)["authorization"] for request in backend.requests()} == {"Bearer of-a-test"}
