"""Views, synchronous and asynchronous."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.template import engines
from django.views import View
from opentelemetry import baggage, trace

tracer = trace.get_tracer("shop.views", "2.0", schema_url="https://opentelemetry.io/schemas/1.21.0")


class OutOfStock(Exception):
    """What the shop raises itself."""


def item(request: HttpRequest, number: int) -> HttpResponse:
    with tracer.start_as_current_span("price", attributes={"number": number}) as span:
        span.add_event("looked up", {"rows": 2})
    return JsonResponse({"item": number, "tenant": baggage.get_baggage("tenant")})


def broken(request: HttpRequest) -> HttpResponse:
    with tracer.start_as_current_span("stock"):
        raise OutOfStock("no umbrella left")


def missing(request: HttpRequest) -> HttpResponse:
    raise Http404("no such thing")


def denied(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def moved(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/items/1/")


def page(request: HttpRequest) -> HttpResponse:
    template = engines["django"].from_string("{% for one in items %}{{ one }},{% endfor %}")
    with tracer.start_as_current_span("render"):
        return HttpResponse(template.render({"items": range(3)}))


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        for number in range(3):
            with tracer.start_as_current_span("line"):
                yield f"{number}\n"

    return StreamingHttpResponse(lines())


class Order(View):
    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        return HttpResponse(name)

    def post(self, request: HttpRequest, name: str) -> HttpResponse:
        trace.get_current_span().set_attribute("length", len(request.body))
        return HttpResponse(status=201)


async def async_item(request: HttpRequest, number: int) -> HttpResponse:
    with tracer.start_as_current_span("price", attributes={"number": number}):
        await asyncio.gather(*(part(index) for index in range(3)))
        await sync_to_async(in_a_thread)()
    return JsonResponse({"item": number})


async def part(index: int) -> None:
    with tracer.start_as_current_span(f"part {index}"):
        await asyncio.sleep(0)


def in_a_thread() -> None:
    with tracer.start_as_current_span("in a thread"):
        pass


async def async_broken(request: HttpRequest) -> HttpResponse:
    with tracer.start_as_current_span("stock"):
        await asyncio.sleep(0)
        raise OutOfStock("no umbrella left")


async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            await asyncio.sleep(0)
            yield f"{number}\n"

    return StreamingHttpResponse(lines())
