"""A shop in Flask behind a real server, asked by requests: routes, errors, hooks, threads, spans made by hand."""

import threading
from concurrent.futures import ThreadPoolExecutor

import requests
from flask import Blueprint, Flask, Response, abort, jsonify, redirect, request
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.utils import suppress_http_instrumentation, suppress_instrumentation
from werkzeug.serving import make_server

tracer = trace.get_tracer("shop", "1.2.0", schema_url="https://opentelemetry.io/schemas/1.30.0")
app = Flask("shop")
admin = Blueprint("admin", __name__, url_prefix="/admin")


class OutOfStock(Exception):
    """What the shop raises itself."""


@app.get("/items/<int:number>")
def item(number: int) -> Response:
    span = trace.get_current_span()
    span.set_attribute("shop.item", number)
    span.add_event("looked up", {"rows": 1, "cached": False})
    with tracer.start_as_current_span("price", attributes={"currency": "EUR", "parts": [1.5, 2.5]}) as inner:
        inner.set_attribute("total", 4.0)
        with tracer.start_as_current_span("tax", kind=trace.SpanKind.INTERNAL) as tax:
            tax.update_name("tax of 19 %")
    return jsonify(item=number, tenant=baggage.get_baggage("tenant"))


@app.post("/orders")
def order() -> tuple[str, int]:
    return f"ordered {len(request.get_json())}", 201


@app.get("/broken")
def broken() -> str:
    with tracer.start_as_current_span("stock"):
        raise OutOfStock("no umbrella left")


@app.get("/handled")
def handled() -> str:
    raise KeyError("handled")


@app.errorhandler(KeyError)
def key_error(error: KeyError) -> tuple[str, int]:
    trace.get_current_span().record_exception(error, {"shop.handled": True})
    return "sorry", 409


@app.get("/gone")
def gone() -> Response:
    abort(410, "long gone")


@app.get("/moved")
def moved() -> Response:
    return redirect("/items/7", 303)


@app.get("/stream")
def stream() -> Response:
    return Response((f"line {number}\n" for number in range(3)), mimetype="text/plain")


@app.get("/chain")
def chain() -> str:
    """A service that asks another one."""
    return requests.get(f"{request.host_url}items/9", timeout=30).text


@app.get("/health")
def health() -> str:
    return f"recording: {trace.get_current_span().is_recording()}"


@app.before_request
def before() -> None:
    if request.path == "/refused":
        abort(403)


@app.teardown_request
def teardown(error: BaseException | None) -> None:
    if error is not None:
        trace.get_current_span().set_attribute("shop.teardown", type(error).__name__)


@admin.route("/<name>", methods=["GET", "DELETE"])
def administered(name: str) -> str:
    return name


app.register_blueprint(admin)


def ask(method: str, url: str, **options: object) -> None:
    answer = requests.request(method, url, timeout=30, **options)
    print(method, url, answer.status_code, answer.headers.get("content-type"))


def main() -> None:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.port}"
    for path in ("/items/1?full=yes", "/broken", "/handled", "/gone", "/moved", "/stream", "/chain", "/health"):
        ask("GET", base + path)
    ask("GET", base + "/missing", headers={"User-Agent": "tests/1.0 (größer)".encode()})
    ask("POST", base + "/orders", json=[1, 2, 3])
    ask("DELETE", base + "/admin/röte")
    ask("PATCH", base + "/admin/x")
    ask("GET", base + "/refused")
    ask("GET", base + "/items/1", headers={"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-00"})
    with tracer.start_as_current_span("basket", kind=trace.SpanKind.PRODUCER) as span:
        token = context.attach(baggage.set_baggage("tenant", "äöü & co"))
        ask("GET", base + "/items/2")
        with suppress_instrumentation():
            ask("GET", base + "/items/3")
        with suppress_http_instrumentation():
            ask("GET", base + "/items/4")
        context.detach(token)
        span.set_status(trace.StatusCode.OK, "ignored")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: requests.get(f"{base}/items/{number}", timeout=30), range(10, 18)))
    server.shutdown()
    thread.join()
    try:
        requests.get(f"{base}/down", timeout=30)
    except requests.ConnectionError as error:
        print(type(error).__name__)
    for bad in ("http://[", "nothing://x"):
        try:
            requests.get(bad, timeout=30)
        except ValueError as error:
            print(type(error).__name__)


if __name__ == "__main__":
    main()
