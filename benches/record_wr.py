"""Record workload WR: a web shop's spans as real instrumentations make them, from real requests over real sockets.

Writes ``benches/spanwire_bench/src/spanwire_bench/_data/wr.json``, which ``spanwire_bench._workloads`` replays. Only needed to record anew:

    python -m venv /tmp/wr && /tmp/wr/bin/pip install -r benches/record_wr.txt
    /tmp/wr/bin/python benches/record_wr.py benches/spanwire_bench/src/spanwire_bench/_data/wr.json

The shop is a Flask application with SQLAlchemy on SQLite and a payment service behind ``requests``, all traced by the
OpenTelemetry instrumentations and a few spans of its own. Directories and ports of the recording machine are replaced;
ids are left out, since a replay makes new ones.
"""

from __future__ import annotations

import http.client
import http.server
import importlib.metadata
import json
import os
import pathlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http,database/dup"
os.environ["OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST"] = "accept,content-type,x-request-id"

import flask
import requests
import sqlalchemy as sa
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from werkzeug.serving import WSGIRequestHandler, make_server

RESOURCE = {
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.sdk.version": importlib.metadata.version("opentelemetry-sdk"),
    "service.name": "shop",
    "service.namespace": "store",
    "service.version": "2.14.0",
    "service.instance.id": "4f1c2c1e-6f0f-4d7b-9a53-6d1f2f0b7a11",
    "deployment.environment.name": "production",
    "host.name": "shop-7d9c6b5f4-x2x8q",
    "process.pid": 17,
    "process.runtime.name": "cpython",
    "process.runtime.version": "3.11.7",
}
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
RECORDED = ("flask", "requests", "sqlalchemy")
RECORDED_OTEL = ("sdk", "instrumentation-flask", "instrumentation-requests", "instrumentation-sqlalchemy")


class _Common(SpanProcessor):
    """What many applications put on every span: whose request it serves (from baggage), and the thread."""

    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        span.set_attributes({key: str(value) for key, value in baggage.get_all(parent_context).items()})
        span.set_attribute("thread.id", threading.get_ident())
        span.set_attribute("thread.name", threading.current_thread().name)


collected = InMemorySpanExporter()
provider = TracerProvider(resource=Resource(RESOURCE))
provider.add_span_processor(_Common())
provider.add_span_processor(SimpleSpanProcessor(collected))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop.orders", "2.14.0")


class PaymentDeclined(Exception):
    """The bank said no."""


class DuplicateOrder(Exception):
    """An order with this id was placed before."""


class _Payments(http.server.BaseHTTPRequestHandler):
    """The payment service: not traced here, since its spans would be another process's."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one segment an answer

    def do_POST(self) -> None:
        charge = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        declined = charge["amount"] > 500
        body = json.dumps({"error": "insufficient_funds"} if declined else {"charge": "ch_3QLkYz2eZvKYlo2C"}).encode()
        self.send_response(402 if declined else 201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def make_shop(payments_url: str) -> flask.Flask:
    """The application under observation."""
    app = flask.Flask("shop")
    app.logger.disabled = True
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT, price REAL, stock INT)"))
        connection.execute(sa.text("CREATE TABLE orders (id TEXT PRIMARY KEY, product_id INTEGER, amount REAL)"))
        connection.execute(
            sa.text("INSERT INTO product VALUES (:id, :name, :price, :stock)"),
            [{"id": n, "name": f"Tea no. {n}", "price": 4.5 + n, "stock": 100} for n in range(1, 50)],
        )
    SQLAlchemyInstrumentor().instrument(engine=engine, tracer_provider=provider)
    bank = requests.Session()

    @app.get("/products/<int:product>")
    def show(product: int) -> flask.Response:
        trace.get_current_span().set_attributes({"shop.currency": "EUR", "cache.hit": False})
        with engine.connect() as connection:
            row = connection.execute(
                sa.text(
                    "SELECT p.id, p.name, p.price, p.stock, count(o.id) AS sold FROM product AS p "
                    "LEFT JOIN orders AS o ON o.product_id = p.id WHERE p.id = :id "
                    "GROUP BY p.id, p.name, p.price, p.stock"
                ),
                {"id": product},
            ).one()
        return flask.jsonify(name=row.name, price=row.price)

    @app.post("/orders")
    def order() -> tuple[flask.Response, int]:
        cart = flask.request.get_json()
        trace.get_current_span().set_attributes(
            {
                "shop.cart.items": len(cart["items"]),
                "shop.cart.total": float(cart["amount"]),
                "shop.cart.skus": [f"TEA-{n:05}" for n in cart["items"]],
                "shop.first_order": False,
            }
        )
        with (
            tracer.start_as_current_span("reserve stock", attributes={"shop.warehouse": "Dürnten"}) as span,
            engine.begin() as connection,
        ):
            for product in cart["items"]:
                connection.execute(
                    sa.text("UPDATE product SET stock = stock - 1 WHERE id = :id AND stock > 0"), {"id": product}
                )
                span.add_event("reserved", {"shop.product.id": product, "shop.shelf": f"B{product}"})
        with tracer.start_as_current_span("charge card") as span:
            span.set_attribute("shop.payment.method", "card")
            reply = bank.post(
                f"{payments_url}/charges", json={"order": cart["id"], "amount": cart["amount"]}, timeout=5
            )
            if reply.status_code != 201:
                raise PaymentDeclined(f"order {cart['id']}: {reply.json()['error']}")
        try:
            with engine.begin() as connection:
                connection.execute(
                    sa.text("INSERT INTO orders (id, product_id, amount) VALUES (:id, :product, :amount)"),
                    {"id": cart["id"], "product": cart["items"][0], "amount": cart["amount"]},
                )
        except sa.exc.IntegrityError:
            raise DuplicateOrder(f"order {cart['id']} exists") from None
        confirm(cart["id"])
        return flask.jsonify(order=cart["id"]), 201

    def confirm(order_id: str) -> None:
        """A job of its own: a new trace that links to the order's."""
        cause = trace.Link(trace.get_current_span().get_span_context(), {"shop.cause": "order placed"})
        with tracer.start_as_current_span(
            "send confirmation",
            context=trace.set_span_in_context(trace.INVALID_SPAN),
            kind=trace.SpanKind.PRODUCER,
            links=[cause],
            attributes={"messaging.system": "smtp", "messaging.destination.name": "mail", "shop.order.id": order_id},
        ):
            pass

    FlaskInstrumentor().instrument_app(app, tracer_provider=provider)
    return app


@contextmanager
def serving(server: Any) -> Iterator[int]:
    """Run ``server`` in a thread; yields its port."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def visit(port: int) -> None:
    """What the shop's customers do: each request is a trace, most of them started by a gateway before us."""
    show = [("GET", f"/products/{n}?ref=newsletter-2026-11&lang=de", None) for n in (7, 12, 31, 48)]
    orders = [
        ("POST", "/orders", {"id": "o-7f3a01", "items": [7, 12], "amount": 35.5}),
        ("POST", "/orders", {"id": "o-7f3a02", "items": [31], "amount": 35.5}),
        ("POST", "/orders", {"id": "o-7f3a03", "items": [5, 6, 7], "amount": 812.0}),  # the bank declines
        ("POST", "/orders", {"id": "o-7f3a01", "items": [9], "amount": 13.5}),  # the database refuses the id
    ]
    for number, (method, target, body) in enumerate(show + orders):
        headers = {"User-Agent": BROWSER, "Accept": "application/json", "X-Request-Id": f"req-{number:08x}"}
        headers["baggage"] = f"enduser.id=u-{20418 + number},session.id=9b2d7c{number:02x}-1f0e,tenant.id=tea-and-more"
        if number:
            headers["traceparent"] = f"00-{number + 0xA5A5:032x}-{number + 0xB6B6:016x}-01"
        if number == 3:
            headers["tracestate"] = "gw=t61rcWkgMzE,rojo=00f067aa0ba902b7"
        connection = http.client.HTTPConnection("localhost", port, timeout=10)
        if body is None:
            connection.request(method, target, headers=headers)
        else:
            connection.request(method, target, json.dumps(body), {**headers, "Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()


class _Scrub:
    """Replaces this machine's directories and ports in everything that was recorded."""

    def __init__(self, ports: dict[int, int]) -> None:
        self.ports = ports
        here = pathlib.Path(__file__).resolve()
        packages = pathlib.Path(flask.__file__).resolve().parents[1]
        self.paths = {
            str(here): "/srv/shop/app.py",
            str(pathlib.Path(sys.argv[0])): "/srv/shop/app.py",
            str(packages): "/srv/shop/.venv/lib/python3.11/site-packages",
            str(pathlib.Path(threading.__file__).parent): "/usr/local/lib/python3.11",
        }

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            for old, new in self.paths.items():
                value = value.replace(old, new)
            for old_port, new_port in self.ports.items():
                value = value.replace(f":{old_port}", f":{new_port}")
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return self.ports.get(value, value)
        if isinstance(value, (list, tuple)):
            return [self(item) for item in value]
        return value


def as_traces(spans: list[ReadableSpan], scrub: _Scrub) -> list[dict[str, Any]]:
    """The recorded spans as templates: by trace, in the order in which they ended, places in it instead of ids."""
    groups: dict[int, list[ReadableSpan]] = {}
    for span in spans:
        groups.setdefault(span.context.trace_id, []).append(span)
    place = {
        span.context.span_id: (number, index)
        for number, group in enumerate(groups.values())
        for index, span in enumerate(group)
    }
    traces = []
    for group in groups.values():
        first = min(span.start_time or 0 for span in group)
        traces.append({"spans": [_template(span, first, place, scrub) for span in group]})
    return traces


def _template(span: ReadableSpan, first: int, place: dict[int, tuple[int, int]], scrub: _Scrub) -> dict[str, Any]:
    scope = span.instrumentation_scope
    assert scope is not None and span.start_time and span.end_time
    template: dict[str, Any] = {
        "name": span.name,
        "kind": span.kind.name,
        "scope": [scope.name, scope.version, scope.schema_url],
        "start": span.start_time - first,
        "end": span.end_time - first,
        "attributes": {key: scrub(value) for key, value in (span.attributes or {}).items()},
    }
    if span.parent is not None and not span.parent.is_remote:
        template["parent"] = place[span.parent.span_id][1]
    elif span.parent is not None:
        template["remote_parent"] = span.parent.trace_state.to_header()
    if span.status.status_code.name != "UNSET":
        template["status"] = [span.status.status_code.name, scrub(span.status.description)]
    if span.events:
        template["events"] = [
            [
                event.name,
                event.timestamp - first,
                {key: scrub(value) for key, value in (event.attributes or {}).items()},
            ]
            for event in span.events
        ]
    if span.links:
        template["links"] = [
            [*place[link.context.span_id], {key: scrub(value) for key, value in (link.attributes or {}).items()}]
            for link in span.links
        ]
    return template


def main() -> None:
    RequestsInstrumentor().instrument(tracer_provider=provider)
    with serving(http.server.ThreadingHTTPServer(("localhost", 0), _Payments)) as bank:
        shop = make_server("localhost", 0, make_shop(f"http://localhost:{bank}"), threaded=True, request_handler=_Quiet)
        collected.clear()  # the tables' creation
        with serving(shop) as port:
            visit(port)
        traces = as_traces(list(collected.get_finished_spans()), _Scrub({port: 8080, bank: 9090}))
    versions = [*RECORDED, *(f"opentelemetry-{name}" for name in RECORDED_OTEL)]
    fixture = {
        "workload": "WR",
        "recorded_by": "benches/record_wr.py",
        "recorded_with": {name: importlib.metadata.version(name) for name in versions},
        "resource": RESOURCE,
        "traces": traces,
    }
    target = pathlib.Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(fixture, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{sum(len(one['spans']) for one in traces)} spans in {len(traces)} traces, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
