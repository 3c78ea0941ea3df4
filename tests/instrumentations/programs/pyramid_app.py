"""A shop in Pyramid behind Python's own server: routes, views for errors, tweens, redirects."""

import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

import requests
from opentelemetry import trace
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden, HTTPFound, HTTPInternalServerError
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import exception_view_config, view_config

tracer = trace.get_tracer("shop")


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Nothing."""


class OutOfStock(Exception):
    """What the shop raises itself."""


@view_config(route_name="item", renderer="json")
def item(request: Request) -> dict[str, str]:
    with tracer.start_as_current_span("look up", attributes=dict(request.matchdict)):
        return dict(request.matchdict)


@view_config(route_name="broken")
def broken(request: Request) -> Response:
    with tracer.start_as_current_span("stock"):
        raise OutOfStock("no umbrella left")


@view_config(route_name="unhandled")
def unhandled(request: Request) -> Response:
    raise ArithmeticError("not handled")


@view_config(route_name="refused")
def refused(request: Request) -> Response:
    raise HTTPForbidden("no")


@view_config(route_name="failed")
def failed(request: Request) -> Response:
    raise HTTPInternalServerError("failed")


@view_config(route_name="moved")
def moved(request: Request) -> Response:
    return HTTPFound("/items/1")


@exception_view_config(OutOfStock)
def out_of_stock(error: OutOfStock, request: Request) -> Response:
    trace.get_current_span().record_exception(error)
    return Response(str(error), status=409)


def main() -> None:
    with Configurator() as config:
        config.add_route("item", "/items/{number}")
        for name in ("broken", "unhandled", "refused", "failed", "moved"):
            config.add_route(name, f"/{name}")
        config.scan("__main__")
        app = config.make_wsgi_app()
    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    for path in ("/items/1?a=b", "/items/%C3%A4", "/broken", "/unhandled", "/refused", "/failed", "/moved", "/missing"):
        print(path, requests.get(base + path, timeout=30).status_code)
    server.shutdown()
    server.server_close()
    thread.join()


if __name__ == "__main__":
    main()
