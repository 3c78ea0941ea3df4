"""A test span, by the native path: tracer, frame, request, client."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

    from spanwire._native import Request
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["SPAN_NAME", "check"]

SPAN_NAME = "spanwire doctor"
_SWITCHES = ("OTEL_SDK_DISABLED", "SPANWIRE_DISABLED")


def check(context: Context, step: Step) -> None:
    """Make one, send it, and say what became of it."""
    if not context.send:
        step.skip("not asked for (--no-send)")
        return
    if context.exporter is None or not context.answered:
        step.skip("no receiver has answered")
        return
    if not context.can_trace:
        step.skip("tracing cannot be set up")
        return
    request, trace_id, service = _made(context)
    begin = time.perf_counter()
    outcome = context.exporter._client.export_request(request)
    message = context.mask.hide(outcome.message or "")
    milliseconds = (time.perf_counter() - begin) * 1000
    step.details = {
        "trace_id": trace_id,
        "service_name": service,
        "milliseconds": round(milliseconds, 2),
        "lost": outcome.lost or "",
        "rejected": outcome.rejected,
        "message": message,
        "retries": outcome.retries,
    }
    where = f"trace {trace_id} of service {service}"
    if outcome.lost is not None:
        step.fail("lost", f"the test span is lost ({outcome.lost}): {message}", "look at the receiver's log")
    elif outcome.rejected:
        step.fail(
            "rejected",
            f"the receiver took the request and rejected the span: {message or 'it does not say why'}",
            "the receiver says why; look at its limits and its log",
        )
    elif message:
        step.warn("message", f"taken in {milliseconds:.1f} ms ({where}); the receiver says: {message}")
    else:
        step.ok("taken", f"taken in {milliseconds:.1f} ms: {where}")
    if context.is_off:
        step.warn(
            "off",
            f"it was sent all the same: a program with this environment sends none ({context.is_off})",
            "see the step setup",
        )


def _made(context: Context) -> tuple[Request, str, str]:
    """The request, its trace's id and its service's name."""
    with _switched_on():
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import SpanProcessor
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

        from spanwire._facade.tracing import request_of
        from spanwire._native import FrameQueue
        from spanwire.trace import TracerProvider

        own = {SERVICE_NAME: context.service_name} if context.service_name else {}
        resource = Resource.create(own)
        ended: list[ReadableSpan] = []

        class Kept(SpanProcessor):
            def on_end(self, span: ReadableSpan) -> None:
                ended.append(span)

        provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(Kept())
        span = provider.get_tracer("spanwire.doctor").start_span(SPAN_NAME)
        span.set_attribute("spanwire.doctor", True)
        span.end()
        request = request_of(FrameQueue(), ended[0])
        provider.shutdown()
    assert request is not None  # a native span that is sampled
    return request, f"{span.get_span_context().trace_id:032x}", str(resource.attributes.get(SERVICE_NAME))


@contextmanager
def _switched_on() -> Iterator[None]:
    """What switches spans off, or ours, is not meant for this one."""
    before = {name: os.environ.pop(name) for name in _SWITCHES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)
