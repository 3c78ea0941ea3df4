"""A middleware of the application's own, for views of both kinds."""

from collections.abc import Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from opentelemetry import trace

tracer = trace.get_tracer("shop.middleware", "1.0")


class Stamp:
    """Refuses what is forbidden, and says on the span which user asked."""

    async_capable = True
    sync_capable = True

    def __init__(self, get_response: Callable) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if iscoroutinefunction(self.get_response):
            return self.in_a_loop(request)
        with tracer.start_as_current_span("stamp"):
            return self.refused(request) or self.get_response(request)

    async def in_a_loop(self, request: HttpRequest) -> HttpResponse:
        with tracer.start_as_current_span("stamp"):
            return self.refused(request) or await self.get_response(request)

    def refused(self, request: HttpRequest) -> HttpResponse | None:
        trace.get_current_span().set_attribute("user", request.headers.get("X-User", "nobody"))
        return HttpResponseForbidden("no") if request.path.startswith("/forbidden") else None
