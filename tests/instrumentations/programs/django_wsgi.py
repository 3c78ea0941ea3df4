"""A shop in Django as WSGI behind Python's own server with a thread for each request."""

import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import requests
from django.core.wsgi import get_wsgi_application
from opentelemetry import baggage, context, trace

tracer = trace.get_tracer("client")


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = False


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Nothing."""


def main() -> None:
    server = make_server("127.0.0.1", 0, get_wsgi_application(), Server, Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    for path in (
        "/items/1/?a=1",
        "/items/1",
        "/broken/",
        "/missing/",
        "/denied/",
        "/moved/",
        "/page/",
        "/stream/",
        "/orders/umbrella",
        "/forbidden/x",
        "/nothing",
        "/async/items/2/",
        "/async/broken/",
    ):
        answer = requests.get(base + path, timeout=30, headers={"X-User": "tester"})
        print(path, answer.status_code, answer.headers.get("content-type"))
    print(requests.post(f"{base}/orders/a", data=b"12345", timeout=30).status_code)
    print(requests.delete(f"{base}/orders/a", timeout=30).status_code)
    with tracer.start_as_current_span("basket") as span:
        token = context.attach(baggage.set_baggage("tenant", "acme"))
        current = context.get_current()

        def ask(number: int) -> None:
            context.attach(current)
            requests.get(f"{base}/items/{number}/", timeout=30)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(10, 16)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        context.detach(token)
        span.set_status(trace.StatusCode.OK)
    server.shutdown()
    server.server_close()
    thread.join()


if __name__ == "__main__":
    main()
