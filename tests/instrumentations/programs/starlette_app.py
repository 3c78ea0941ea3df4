"""Starlette behind uvicorn and a bare ASGI application with the middleware around it by hand, with hooks; both asked by httpx."""

import asyncio

import httpx
from opentelemetry import trace
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

tracer = trace.get_tracer(__name__)


async def hello(request: Request) -> PlainTextResponse:
    with tracer.start_as_current_span("greeting") as span:
        span.set_attributes({"name": request.path_params["name"], "long": "x" * 5000, "mixed": (1, 2)})
        return PlainTextResponse(f"hello {request.path_params['name']}")


async def broken(_: Request) -> PlainTextResponse:
    raise RuntimeError("broken")


async def refused(_: Request) -> PlainTextResponse:
    raise HTTPException(401)


class Endpoint(HTTPEndpoint):
    async def get(self, _: Request) -> PlainTextResponse:
        return PlainTextResponse("got")

    async def put(self, _: Request) -> PlainTextResponse:
        return PlainTextResponse("put", 202)


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            await socket.send_bytes(await socket.receive_bytes())
    except WebSocketDisconnect:
        trace.get_current_span().add_event("gone")


app = Starlette(
    routes=[
        Route("/hello/{name}", hello),
        Route("/broken", broken),
        Route("/refused", refused),
        Mount("/below", routes=[Route("/endpoint", Endpoint)]),
        WebSocketRoute("/echo", echo),
    ]
)


async def bare(scope, receive, send) -> None:
    with tracer.start_as_current_span("bare"):
        await receive()
    if scope["path"] == "/fails":
        raise ValueError("fails before it answers")
    await send({"type": "http.response.start", "status": 207, "headers": [(b"x-part", b"one"), (b"x-part", b"two")]})
    for number in range(3):
        await send({"type": "http.response.body", "body": bytes([65 + number]), "more_body": number < 2})


def at_server(span: trace.Span, scope: dict) -> None:
    span.set_attribute("hook.path", scope["path"])


def at_receive(span: trace.Span, scope: dict, message: dict) -> None:
    span.add_event("received", {"type": message["type"]})


def at_send(span: trace.Span, scope: dict, message: dict) -> None:
    span.add_event("sent", {"type": message["type"]})


wrapped = OpenTelemetryMiddleware(
    bare,
    server_request_hook=at_server,
    client_request_hook=at_receive,
    client_response_hook=at_send,
    default_span_details=lambda scope: (f"bare {scope['path']}", {"detail": True}),
    excluded_urls="quiet",
)


async def websocket() -> None:
    """As a server would call the application, without one."""
    from_client = asyncio.Queue()
    for message in (
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "bytes": b"ping"},
        {"type": "websocket.disconnect", "code": 1001},
    ):
        from_client.put_nowait(message)
    sent = []

    async def send(message: dict) -> None:
        sent.append(message["type"])

    scope = {
        "type": "websocket",
        "path": "/echo",
        "raw_path": b"/echo",
        "scheme": "ws",
        "query_string": b"a=b",
        "headers": [(b"host", b"localhost"), (b"traceparent", f"00-{'c' * 32}-{'d' * 16}-01".encode())],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
    }
    await app(scope, from_client.get, send)
    print(sent)


async def main() -> None:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        answers = await asyncio.gather(
            *(client.get(f"/hello/{name}") for name in "abc"),
            client.get("/broken"),
            client.get("/refused"),
            client.put("/below/endpoint"),
            client.post("/below/endpoint"),
            client.get("/nothing", params={"q": "ä"}),
        )
        print([answer.status_code for answer in answers])
    transport = httpx.ASGITransport(wrapped, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://bare.test") as client:
        with tracer.start_as_current_span("asks bare"):
            for path in ("/x", "/fails", "/quiet", "/"):
                print(path, (await client.get(path)).status_code)
    await websocket()


if __name__ == "__main__":
    asyncio.run(main())
