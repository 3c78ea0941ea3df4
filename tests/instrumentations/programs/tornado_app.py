"""A server and a client of tornado in one loop."""

import asyncio

import tornado.httpclient
import tornado.httpserver
import tornado.netutil
import tornado.web
from opentelemetry import trace

tracer = trace.get_tracer("shop")


class Item(tornado.web.RequestHandler):
    async def get(self, number: str) -> None:
        with tracer.start_as_current_span("look up", attributes={"number": number}):
            await asyncio.sleep(0)
        self.write({"item": int(number)})

    def put(self, number: str) -> None:
        self.set_status(202)


class Broken(tornado.web.RequestHandler):
    def get(self) -> None:
        with tracer.start_as_current_span("stock"):
            raise LookupError("no umbrella left")


class Refused(tornado.web.RequestHandler):
    def get(self) -> None:
        raise tornado.web.HTTPError(403, "no")


class Prepared(tornado.web.RequestHandler):
    async def prepare(self) -> None:
        await asyncio.sleep(0)
        trace.get_current_span().set_attribute("prepared", True)

    async def get(self) -> None:
        for number in range(3):
            self.write(f"{number}\n")
            await self.flush()

    def on_finish(self) -> None:
        trace.get_current_span().add_event("finished")


async def main() -> None:
    app = tornado.web.Application(
        [(r"/items/(\d+)", Item), (r"/broken", Broken), (r"/refused", Refused), (r"/prepared", Prepared)]
    )
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    server = tornado.httpserver.HTTPServer(app)
    server.add_sockets(sockets)
    base = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    client = tornado.httpclient.AsyncHTTPClient()
    for path in ("/items/1?a=b", "/broken", "/refused", "/prepared", "/missing"):
        answer = await client.fetch(base + path, raise_error=False)
        print(path, answer.code)
    print((await client.fetch(f"{base}/items/2", method="PUT", body=b"x")).code)
    try:
        await client.fetch(f"{base}/refused")
    except tornado.httpclient.HTTPClientError as error:
        print(error.code)
    with tracer.start_as_current_span("all at once"):
        answers = await asyncio.gather(*(client.fetch(f"{base}/items/{number}") for number in range(10, 15)))
        print([answer.code for answer in answers])
    server.stop()
    await server.close_all_connections()
    try:
        await client.fetch(f"{base}/items/1")
    except OSError as error:
        print(type(error).__name__)


if __name__ == "__main__":
    asyncio.run(main())
