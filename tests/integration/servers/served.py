"""A web application without a framework, for WSGI and ASGI servers: each request is a span with its number and its process.

What the servers import. ``install()`` runs where the module is imported: in each worker, or before they are forked.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from opentelemetry import trace

import spanwire
from tests.integration.processes.prelude import write_books, write_books_at_exit

write_books_at_exit()
installation = spanwire.install()
tracer = trace.get_tracer("served")


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """WSGI."""
    with tracer.start_as_current_span("request") as span:
        _describe(span, environ["QUERY_STRING"])
        time.sleep(0.005)
        with tracer.start_as_current_span("work"):
            body = _body()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


async def asgi(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[..., Awaitable[None]]
) -> None:
    """ASGI; while one request waits others run."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    with tracer.start_as_current_span("request") as span:
        _describe(span, scope["query_string"].decode())
        await asyncio.sleep(0.005)
        with tracer.start_as_current_span("work"):
            body = _body()
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}
    )
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Callable[[], Awaitable[Any]], send: Callable[..., Awaitable[None]]) -> None:
    """uvicorn ends its workers by the signal that they got: what is to be done at exit is done here."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await asyncio.to_thread(installation.shutdown)
    write_books()
    await send({"type": "lifespan.shutdown.complete"})


def _describe(span: Any, number: str) -> None:
    span.set_attribute("number", int(number))
    span.set_attribute("process.pid", os.getpid())


def _body() -> bytes:
    return str(os.getpid()).encode()
