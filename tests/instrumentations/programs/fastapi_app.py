"""A shop in FastAPI behind uvicorn, asked by httpx: dependencies, errors, middleware, background tasks, streams, a WebSocket."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator

import httpx
import uvicorn
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.responses import JSONResponse, StreamingResponse
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from pydantic import BaseModel
from websockets.sync.client import connect

tracer = trace.get_tracer("shop", "2.0")
done = threading.Event()


class Order(BaseModel):
    number: int
    items: list[str]


class OutOfStock(Exception):
    """What the shop raises itself."""


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    with tracer.start_as_current_span("lifespan"):
        yield


app = FastAPI(lifespan=lifespan)
inner = FastAPI()


def session() -> Iterator[str]:
    with tracer.start_as_current_span("session") as span:
        yield "session"
        span.add_event("closed")


@app.middleware("http")
async def stamp(request: Request, call_next):
    trace.get_current_span().set_attribute("shop.path", request.url.path)
    return await call_next(request)


@app.get("/items/{number}")
async def item(number: int, name: str = Depends(session)) -> dict[str, object]:
    with tracer.start_as_current_span("price", attributes={"number": number}):
        await asyncio.gather(*(part(index) for index in range(3)))
    return {"item": number, "session": name, "tenant": baggage.get_baggage("tenant")}


async def part(index: int) -> None:
    with tracer.start_as_current_span(f"part {index}"):
        await asyncio.sleep(0)
        trace.get_current_span().set_attribute("index", index)


@app.get("/sync/{number}")
def in_a_thread(number: int) -> int:
    with tracer.start_as_current_span("in a thread"):
        return number


@app.post("/orders", status_code=201)
async def order(posted: Order, tasks: BackgroundTasks) -> int:
    tasks.add_task(mail, posted.number)
    return posted.number


async def mail(number: int) -> None:
    with tracer.start_as_current_span("mail", kind=trace.SpanKind.PRODUCER) as span:
        span.set_attribute("number", number)
    done.set()


@app.get("/broken")
async def broken() -> None:
    with tracer.start_as_current_span("stock"):
        raise OutOfStock("no umbrella left")


@app.get("/refused")
async def refused() -> None:
    raise HTTPException(418, "a teapot")


@app.get("/handled")
async def handled() -> None:
    raise KeyError("handled")


@app.exception_handler(KeyError)
async def key_error(_: Request, error: KeyError) -> JSONResponse:
    trace.get_current_span().record_exception(error)
    return JSONResponse({"error": str(error)}, 503)


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        for number in range(3):
            with tracer.start_as_current_span("line"):
                yield f"{number}\n"

    return StreamingResponse(lines())


@app.get("/chain")
async def chain(request: Request) -> object:
    async with httpx.AsyncClient(base_url=str(request.base_url), timeout=20) as client:
        answers = await asyncio.gather(*(client.get(f"/items/{number}") for number in (20, 21)))
    return [answer.json()["item"] for answer in answers]


@inner.get("/deep/{name}")
async def deep(name: str) -> str:
    return name


app.mount("/inner", inner)


@app.websocket("/talk")
async def talk(socket: WebSocket) -> None:
    await socket.accept()
    with tracer.start_as_current_span("conversation"):
        await socket.send_text(f"you said {await socket.receive_text()}")
    await socket.close()


def ask(client: httpx.Client, method: str, path: str, **options: object) -> None:
    answer = client.request(method, path, **options)
    print(method, path, answer.status_code, answer.headers.get("content-type"))


def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    with httpx.Client(base_url=f"http://{base}", timeout=30) as client:
        for path in ("/items/1?name=x", "/items/none", "/sync/2", "/broken", "/refused", "/handled", "/stream"):
            ask(client, "GET", path)
        for path in ("/chain", "/inner/deep/röte", "/missing"):
            ask(client, "GET", path)
        ask(client, "POST", "/orders", json={"number": 7, "items": ["umbrella"]})
        ask(client, "POST", "/orders", json={"number": "seven"})
        ask(client, "DELETE", "/items/1")
        ask(client, "GET", "/items/1", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-00"})
        ask(client, "GET", "/items/1", headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "x=1,y=2"})
        with tracer.start_as_current_span("basket", kind=trace.SpanKind.CONSUMER):
            token = context.attach(baggage.set_baggage("tenant", "äöü"))
            ask(client, "GET", "/items/3")
            with suppress_instrumentation():
                ask(client, "GET", "/items/4")
            context.detach(token)
    with connect(f"ws://{base}/talk") as talking:
        talking.send("hello")
        print(talking.recv())
    done.wait(10)
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    main()
