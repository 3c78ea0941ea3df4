"""A server and clients of aiohttp in one loop: routes, errors, streams, timeouts, cancelled requests, many at once."""

import asyncio

import aiohttp
from aiohttp import web
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.utils import suppress_http_instrumentation

tracer = trace.get_tracer("shop", "3.1", attributes={"team": "web"})
arrived = asyncio.Event()
never = asyncio.Event()


async def item(request: web.Request) -> web.Response:
    number = request.match_info["number"]
    with tracer.start_as_current_span("look up", attributes={"number": number}) as span:
        await asyncio.sleep(0)
        span.add_event("found", {"rows": 3})
    return web.json_response({"item": number, "tenant": baggage.get_baggage("tenant")})


async def broken(_: web.Request) -> web.Response:
    with tracer.start_as_current_span("stock"):
        raise LookupError("nothing there")


async def refused(_: web.Request) -> web.Response:
    raise web.HTTPForbidden(text="no")


async def failing(_: web.Request) -> web.Response:
    raise web.HTTPBadGateway


async def moved(_: web.Request) -> web.Response:
    raise web.HTTPFound("/items/moved")


async def hangs(_: web.Request) -> web.Response:
    arrived.set()
    await never.wait()
    return web.Response()


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(3):
        with tracer.start_as_current_span("chunk"):
            await response.write(b"%d\n" % number)
    return response


async def chain(request: web.Request) -> web.Response:
    async with aiohttp.ClientSession() as session:
        texts = await asyncio.gather(*(fetch(session, f"{request.url.origin()}/items/{number}") for number in (1, 2)))
    return web.Response(text="".join(texts))


async def fetch(session: aiohttp.ClientSession, url: str, method: str = "GET", **options: object) -> str:
    async with session.request(method, url, **options) as response:
        print(method, response.url.path, response.status)
        return await response.text()


async def main() -> None:
    app = web.Application()
    app.add_routes(
        [
            web.get("/items/{number}", item),
            web.post("/items/{number}", item),
            web.get("/broken", broken),
            web.get("/refused", refused),
            web.get("/failing", failing),
            web.get("/moved", moved),
            web.get("/hangs", hangs),
            web.get("/stream", stream),
            web.get("/chain", chain),
        ]
    )
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession(headers={"X-Team": "web"}) as session:
        for path in ("/items/1?q=%20x", "/broken", "/refused", "/failing", "/moved", "/stream", "/chain", "/missing"):
            await fetch(session, base + path)
        await fetch(session, f"{base}/items/2", "POST", json={"a": 1})
        await fetch(session, f"{base}/items/2", "PURGE")
        await fetch(session, f"{base}/items/3", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
        with tracer.start_as_current_span("basket"):
            token = context.attach(baggage.set_baggage("tenant", "acme"))
            await asyncio.gather(*(fetch(session, f"{base}/items/{number}") for number in range(10, 20)))
            with suppress_http_instrumentation():
                await fetch(session, f"{base}/items/4")
            context.detach(token)
        try:
            await fetch(session, f"{base}/hangs", timeout=aiohttp.ClientTimeout(sock_read=0.5))
        except asyncio.TimeoutError as error:
            print(type(error).__name__)
        arrived.clear()
        task = asyncio.create_task(fetch(session, f"{base}/hangs"))
        await arrived.wait()
        task.cancel()
        print(await asyncio.gather(task, return_exceptions=True))
        never.set()
        try:
            async with session.get(f"{base}/refused", raise_for_status=True):
                pass
        except aiohttp.ClientResponseError as error:
            print(error.status)
        await runner.cleanup()
        try:
            await fetch(session, f"{base}/down")
        except aiohttp.ClientConnectorError as error:
            print(type(error).__name__)


if __name__ == "__main__":
    asyncio.run(main())
