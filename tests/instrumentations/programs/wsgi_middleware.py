"""A bare WSGI application with the middleware around it by hand, behind Python's own server, asked by Python's own client."""

import http.client
import threading
from collections.abc import Iterator
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from opentelemetry import trace
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware

tracer = trace.get_tracer(__name__)


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Nothing."""


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    path = environ["PATH_INFO"]
    if path == "/early":
        raise ValueError("before an answer")
    status = {"/teapot": "418 I'm a teapot", "/failed": "500 Failed", "/odd": "299 Odd"}.get(path, "200 OK")
    start_response(status, [("Content-Type", "text/plain"), ("X-Part", "one"), ("X-Part", "two")])

    def body() -> Iterator[bytes]:
        with tracer.start_as_current_span("first part"):
            yield b"first "
        if path == "/late":
            raise OSError("in the middle")
        with tracer.start_as_current_span("second part"):
            yield b"second"

    return body()


def on_request(span: trace.Span, environ: WSGIEnvironment) -> None:
    span.set_attribute("hook.length", int(environ.get("CONTENT_LENGTH") or 0))


def on_response(span: trace.Span, environ: WSGIEnvironment, status: str, headers: list[tuple[str, str]]) -> None:
    span.add_event("answered", {"status": status, "names": [name for name, _ in headers]})


def main() -> None:
    wrapped = OpenTelemetryMiddleware(app, request_hook=on_request, response_hook=on_response)
    server = make_server("127.0.0.1", 0, wrapped, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for method, path in (
        ("GET", "/ok?q=1"),
        ("POST", "/ok"),
        ("GET", "/teapot"),
        ("GET", "/failed"),
        ("GET", "/odd"),
        ("GET", "/early"),
        ("GET", "/late"),
        ("BREW", "/%C3%A4?"),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        headers = {"User-Agent": "tests", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "vendor=1"}
        connection.request(method, path, body=b"body" if method == "POST" else None, headers=headers)
        answer = connection.getresponse()
        print(method, path, answer.status, answer.read())
        connection.close()
    server.shutdown()
    server.server_close()
    thread.join()


if __name__ == "__main__":
    main()
