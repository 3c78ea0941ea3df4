"""SPANWIRE_DISABLED takes us out of a program without a change to its code."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import opentelemetry.sdk.trace as sdk
import spanwire.trace as trace
from opentelemetry import trace as api
from spanwire.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter

names = [name for name in trace.__all__ if hasattr(sdk, name)]
print(sum(getattr(trace, name) is getattr(sdk, name) for name in names) == len(names))
provider = trace.TracerProvider()
trace.shortcut_proxy_tracers()
tracer = api.get_tracer("early")
api.set_tracer_provider(provider)
for _ in range(2):
    with tracer.start_as_current_span("name") as span:
        assert trace.get_current_span() is span
print(type(provider).__module__, type(span).__module__)
"""


@pytest.mark.parametrize(
    "value, disabled", [("1", True), ("true", True), (" True ", True), ("0", False), ("", False), ("false", False)]
)
def test_spanwire_disabled_gives_the_stock_sdk(value: str, disabled: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "SPANWIRE_DISABLED": value},
    )
    assert (done.stderr, done.returncode) == ("", 0)
    stock = "opentelemetry.sdk.trace"
    modules = f"{stock} {stock}" if disabled else "spanwire.trace._provider spanwire._facade.tracing"
    assert done.stdout.splitlines() == [str(disabled), modules]
