"""Clients of httpx, synchronous and asynchronous, and a plain server that tells which headers came."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.utils import suppress_instrumentation

tracer = trace.get_tracer("clients")
done = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/hangs":
            done.wait(10)
        status = {"/moved": 302, "/teapot": 418, "/busy": 503}.get(path, 200)
        names = ("traceparent", "tracestate", "baggage")
        body = "\n".join(f"{name}: {self.headers[name]}" for name in names).encode()
        try:
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/ok")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # who asked has gone
            self.close_connection = True

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


def show(answer: httpx.Response) -> None:
    print(answer.url.path, answer.status_code, answer.text.replace("\n", "; "))


def synchronous(base: str) -> None:
    with httpx.Client(base_url=base, timeout=20) as client:
        show(client.get("/ok", params={"secret": "x", "q": "a b"}))
        show(client.get("/moved", follow_redirects=True))
        show(client.get("/teapot"))
        show(client.get("/busy"))
        show(client.post("/ok", content=b"body"))
        with client.stream("GET", "/ok") as answer:
            print(len(answer.read()) > 0)
        for path in ("/hangs", "/hangs?again"):
            try:
                client.get(path, timeout=httpx.Timeout(20, read=0.5))
            except httpx.ReadTimeout as error:
                print(type(error).__name__)
        with tracer.start_as_current_span("parent") as span:
            token = context.attach(baggage.set_baggage("user", "ä=1,2"))
            span.set_attribute("depth", 1)
            show(client.get("/ok"))
            with suppress_instrumentation():
                show(client.get("/ok"))
            context.detach(token)
        try:
            client.get("/teapot").raise_for_status()
        except httpx.HTTPStatusError as error:
            print(error.response.status_code)
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(httpx.get, [f"{base}/ok?{number}" for number in range(6)]):
            show(answer)
    show(httpx.get(base.replace("http://", "http://user:secret@") + "/ok"))


async def asynchronous(base: str) -> None:
    async with httpx.AsyncClient(base_url=base, timeout=20) as client:
        with tracer.start_as_current_span("all at once"):
            for answer in await asyncio.gather(*(client.get(f"/ok?{number}") for number in range(6))):
                show(answer)
        with tracer.start_as_current_span("one late"):
            try:
                await client.get("/hangs", timeout=httpx.Timeout(20, read=0.5))
            except httpx.ReadTimeout as error:
                print(type(error).__name__)
        async with client.stream("GET", "/teapot") as answer:
            await answer.aread()
            show(answer)


def with_hooks(base: str) -> None:
    def on_request(span: trace.Span, request: object) -> None:
        span.set_attribute("hook.method", request.method.decode())

    def on_response(span: trace.Span, request: object, response: object) -> None:
        span.update_name(f"hooked {response.status_code}")
        span.set_status(trace.Status(trace.StatusCode.OK))

    client = httpx.Client(base_url=base, timeout=20)
    HTTPXClientInstrumentor.uninstrument_client(client)
    HTTPXClientInstrumentor.instrument_client(client, request_hook=on_request, response_hook=on_response)
    with client:
        show(client.get("/busy"))


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    synchronous(base)
    asyncio.run(asynchronous(base))
    with_hooks(base)
    done.set()
    server.shutdown()
    server.server_close()
    thread.join()
    try:
        httpx.get(base)
    except httpx.ConnectError as error:
        print(type(error).__name__)
    try:
        httpx.get("ftp://127.0.0.1/")
    except httpx.UnsupportedProtocol as error:
        print(error)


if __name__ == "__main__":
    main()
