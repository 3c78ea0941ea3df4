"""The same shop as ASGI behind uvicorn: asynchronous views, many requests at once."""

import asyncio
import socket
import threading

import httpx
import uvicorn
from django.core.asgi import get_asgi_application
from opentelemetry import trace

tracer = trace.get_tracer("client")


async def ask(base: str) -> None:
    async with httpx.AsyncClient(base_url=base, timeout=20) as client:
        for path in (
            "/async/items/1/?a=1",
            "/async/broken/",
            "/async/stream/",
            "/items/3/",
            "/broken/",
            "/missing/",
            "/page/",
            "/forbidden/x",
            "/nothing",
        ):
            answer = await client.get(path, headers={"X-User": "tester"})
            print(path, answer.status_code, answer.headers.get("content-type"))
        print((await client.post("/orders/umbrella", content=b"12345")).status_code)
        with tracer.start_as_current_span("all at once"):
            answers = await asyncio.gather(*(client.get(f"/async/items/{number}/") for number in range(10, 16)))
            print([answer.status_code for answer in answers])


def main() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(get_asgi_application(), log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    asyncio.run(ask(base))
    server.should_exit = True
    thread.join()


if __name__ == "__main__":
    main()
