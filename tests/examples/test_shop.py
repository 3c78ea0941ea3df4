"""examples/shop: an order's trace spans every service and the database, and nothing is lost whatever the backend does."""

import socket
from collections import Counter
from dataclasses import dataclass

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from examples.launcher import free_ports
from spanwire.sink import ReceivedSpan, Sink, TraceNode
from tests.books import check_once
from tests.examples.conftest import Start, books

# The names that stay when instrumentations drop the old ones.
CONVENTIONS = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http,database"}

pytestmark = [pytest.mark.full, pytest.mark.examples]


@dataclass(frozen=True)
class Shape:
    """A span and what is below it, in order; without what FastAPI's instrumentation has for single messages."""

    service: str
    kind: str
    name: str
    below: tuple["Shape", ...] = ()


BANK = Shape("payment", "SERVER", "POST /charges", (Shape("payment", "INTERNAL", "ask the bank"),))
PLACED = Shape(
    *("orders", "INTERNAL", "place order"),
    (
        Shape("orders", "CLIENT", "INSERT"),
        Shape("orders", "CLIENT", "POST", (BANK,)),
        Shape("orders", "CLIENT", "UPDATE"),
    ),
)
ASKED = Shape("catalogue", "SERVER", "GET /products/{sku}", (Shape("catalogue", "CLIENT", "SELECT"),))
PRICED = Shape("storefront", "CLIENT", "GET", (ASKED,))
SOLD = Shape("storefront", "CLIENT", "POST", (Shape("orders", "SERVER", "POST /orders", (PLACED,)),))
ORDERED = Shape("storefront", "SERVER", "POST /checkout", (PRICED, SOLD))
NOT_SOLD = Shape("storefront", "SERVER", "POST /checkout", (PRICED,))

SENT = {"POST /checkout http send"}  # the instrumentation's, with the status of the whole


def service(span: ReceivedSpan) -> str:
    return str(span.resource_attributes["service.name"])


def shape(node: TraceNode) -> Shape:
    span = node.span
    below = [shape(child) for child in node.children if not child.span.name.endswith((" http send", " http receive"))]
    return Shape(service(span), SpanKind(span.kind).name, span.name, tuple(below))


def check_orders(sink: Sink, output: str) -> Counter[int]:
    """Every trace is one customer's, whole, and as it was answered; how often each status was."""
    said: Counter[int] = Counter()
    for trace in sink.traces():
        (root,) = trace.roots
        failed = {span.name for span in trace.spans if span.status.code is StatusCode.ERROR} - SENT
        by_name = {span.name: span for span in trace.spans}
        status = int(str(root.span.attributes["http.response.status_code"]))
        said[status] += 1
        if status == 404:
            assert shape(root) == NOT_SOLD
            assert failed == {"GET"}  # of 404 the client's span alone is an error
            continue
        assert shape(root) == ORDERED
        order, bank = by_name["place order"].attributes["shop.order.id"], by_name["ask the bank"]
        assert bank.attributes["shop.order.id"] == order
        if status == 200:
            assert f'{{"id":{order},"status":"paid"}}' in output
            assert not failed and not bank.events
        else:
            assert f"order {order}: the payment has failed" in output
            assert failed == {"POST /checkout", "POST", "POST /charges", "ask the bank"}
            assert bank.status.message == f"BankError: no answer for order {order}"
            assert [event.attributes["exception.type"] for event in bank.events] == ["examples.shop.payment.BankError"]
        assert by_name["place order"].attributes["shop.order.status"] == ("paid" if status == 200 else "failed")
        statement = by_name["UPDATE"].attributes
        assert statement["db.system.name"] == "postgresql"
        assert statement["db.query.text"] == "UPDATE orders SET status = %s WHERE id = %s"
    return said


def test_every_order_is_one_trace_though_the_backend_comes_late(start: Start) -> None:
    with socket.socket() as nobody:  # has the port and does not listen: connections are refused
        # Not one that the system may give to another client, just when nobody has let go of it.
        (port,) = free_ports(1)
        nobody.bind(("127.0.0.1", port))
        shop = start(
            *("-m", "examples.shop", "--seconds", "5", "--rate", "6"),
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
            OTEL_EXPORTER_OTLP_TIMEOUT="60",  # for all tries of a batch
            **CONVENTIONS,
        )
        shop.wait_for("\ncustomer ", 8)
    with Sink(port=port) as sink:
        output = shop.finish()
    assert check_orders(sink, output) == {200: 16, 404: 6, 502: 8}
    check_once(sink.spans())
    arrived = Counter(service(span) for span in sink.spans())
    book = books(output)
    assert {name: entry["processes"] for name, entry in book.items()} == {
        "catalogue": 1,
        "storefront": 1,
        "orders": 2,
        "payment": 2,
    }
    for name, entry in book.items():
        assert (entry["accepted"], entry["queued"], entry["dropped"]) == (entry["exported"], 0, 0)
        assert entry["exported"] == arrived[name]


def test_without_an_endpoint_traces_are_drawn(start: Start) -> None:
    # Nothing is sent before a service ends.
    output = start("-m", "examples.shop", "--seconds", "2", "--rate", "2", OTEL_BSP_SCHEDULE_DELAY="3600000").finish()
    assert output.count("POST /checkout server") == output.count("GET /products/{sku} server") == 4
    assert output.count("POST /charges server") == 4
    assert "✗ ask the bank internal" in output and "BankError" in output
    spans = sum(entry["exported"] for entry in books(output).values())
    assert f"{spans} spans in " in output
