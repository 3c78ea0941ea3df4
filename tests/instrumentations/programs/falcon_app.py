"""A shop in Falcon behind Python's own server: resources, responders, media errors, sinks, hooks."""

import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import falcon
import requests
from opentelemetry import trace

tracer = trace.get_tracer("shop")


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Nothing."""


def checked(request: falcon.Request, response: falcon.Response, resource: object, params: dict) -> None:
    with tracer.start_as_current_span("checked"):
        if params["number"] == 0:
            raise falcon.HTTPBadRequest(title="no such number")


class Item:
    @falcon.before(checked)
    def on_get(self, request: falcon.Request, response: falcon.Response, number: int) -> None:
        with tracer.start_as_current_span("look up", attributes={"number": number}):
            response.media = {"item": number}

    def on_post(self, request: falcon.Request, response: falcon.Response, number: int) -> None:
        response.status = falcon.HTTP_201
        response.text = str(request.get_media())


class Broken:
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        with tracer.start_as_current_span("stock"):
            raise LookupError("no umbrella left")


class Stamp:
    def process_request(self, request: falcon.Request, response: falcon.Response) -> None:
        trace.get_current_span().set_attribute("stamped", True)

    def process_response(
        self, request: falcon.Request, response: falcon.Response, resource: object, succeeded: bool
    ) -> None:
        trace.get_current_span().add_event("responded", {"succeeded": succeeded})


def main() -> None:
    app = falcon.App(middleware=[Stamp()])
    app.add_route("/items/{number:int}", Item())
    app.add_route("/broken", Broken())
    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    for method, path in (
        ("GET", "/items/1?a=b"),
        ("GET", "/items/0"),
        ("PUT", "/items/1"),
        ("GET", "/items/one"),
        ("GET", "/broken"),
        ("OPTIONS", "/items/1"),
    ):
        print(method, path, requests.request(method, base + path, timeout=30).status_code)
    print(requests.post(f"{base}/items/2", json={"a": 1}, timeout=30).text)
    print(requests.post(f"{base}/items/2", data=b"{", headers={"Content-Type": "application/json"}, timeout=30).text)
    server.shutdown()
    server.server_close()
    thread.join()


if __name__ == "__main__":
    main()
