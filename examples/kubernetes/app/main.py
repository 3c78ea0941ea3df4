"""A small service: FastAPI under uvicorn, traced by ``opentelemetry-instrument``. Nothing here knows where traces go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from opentelemetry import trace


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """When the pod is to end, uvicorn finishes its requests and comes back here: what waits is sent while there is time."""
    yield
    provider: Any = trace.get_tracer_provider()
    if hasattr(provider, "shutdown"):  # not without tracing
        provider.shutdown()


app = FastAPI(lifespan=lifespan)
tracer = trace.get_tracer("hello")


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """For the kubelet's probes, which OTEL_PYTHON_EXCLUDED_URLS keeps out of the traces."""
    return {"status": "ok"}


@app.get("/hello/{name}")
async def hello(name: str) -> dict[str, str]:
    """What it does, with a span of its own."""
    with tracer.start_as_current_span("greet", attributes={"hello.length": len(name)}):
        return {"hello": name}
