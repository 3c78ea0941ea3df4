"""The demo's program: a web shop that really runs, with two HTTP servers, SQLite and customers, traced by the stock SDK.

Customers ask the shop over sockets; the shop asks its database and the payment service, which continues the trace from
the ``traceparent`` header. Some cards are declined and some orders fail. Spans are made by hand, as instrumentations
would, so that the demo needs nothing but the SDK.
"""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from typing_extensions import Self

__all__ = ["RESOURCE", "PaymentDeclined", "Shop", "SoldOut"]

RESOURCE = {"service.name": "tea-shop", "service.version": "1.0.0", "deployment.environment.name": "demo"}
PRODUCTS = ("Sencha", "Gyokuro", "Lapsang Souchong", "Earl Grey", "Darjeeling", "Oolong", "Pu-Erh", "Maté")
SCARCE = "Gyokuro"
LIMIT_EUR = 150  # the bank declines more
_CUSTOMER = {"User-Agent": "tea-customer/1.0", "Accept": "application/json"}
BANK_SECONDS = (0.0005, 0.002)


Reply = tuple[int, dict[str, object]]  # status and JSON


class PaymentDeclined(Exception):
    """The bank said no."""


class SoldOut(Exception):
    """Nothing left of a product."""


class Shop:
    """The shop and its bank on free ports; a context manager.

    :param provider: whose tracers make the spans.
    """

    def __init__(self, provider: TracerProvider) -> None:
        self._web = provider.get_tracer("shop.web", "1.0.0")
        self._database = provider.get_tracer("shop.database", "1.0.0")
        self._bank = provider.get_tracer("shop.bank", "1.0.0")
        self._local = threading.local()  # each server thread's connection to the bank
        self._to_bank: list[http.client.HTTPConnection] = []
        self._servers = [_server(self._answer_shop), _server(self._answer_bank)]
        self._sql = sqlite3.connect(":memory:", check_same_thread=False)
        self._sql_lock = threading.Lock()

    def __enter__(self) -> Self:
        with self._sql:
            self._sql.execute("CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT, price REAL, stock INTEGER)")
            self._sql.execute("CREATE TABLE purchase (id TEXT PRIMARY KEY, product INTEGER, amount REAL)")
            self._sql.executemany(
                "INSERT INTO product VALUES (?, ?, ?, ?)",
                [(n, name, 6.5 + 4 * n, 10 if name == SCARCE else 10**9) for n, name in enumerate(PRODUCTS)],
            )
        for server in self._servers:
            threading.Thread(target=server.serve_forever, name="spanwire-demo-server", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for connection in self._to_bank:
            connection.close()
        self._sql.close()

    def serve(self, customers: int, go_on: Callable[[], bool]) -> None:
        """Let ``customers`` shop at the same time, each until ``go_on()`` is false; returns when all have left.

        The first error of a customer is raised here. Ctrl-C too, once they have left: nobody is to find the shop gone.
        """
        failures: list[BaseException] = []
        closing_time = threading.Event()

        def shop_on(seed: int) -> None:
            try:
                with closing(http.client.HTTPConnection("127.0.0.1", self._servers[0].server_port, timeout=30)) as web:
                    dice = random.Random(seed)
                    _order(web, dice, product=len(PRODUCTS) - 1, count=5)  # too dear: even a short demo shows an error
                    while go_on() and not failures and not closing_time.is_set():
                        _visit(web, dice)
            except (OSError, http.client.HTTPException) as error:
                failures.append(error)

        threads = [threading.Thread(target=shop_on, args=(number,), daemon=True) for number in range(customers)]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            closing_time.set()
            for thread in threads:
                thread.join()
        if failures:
            raise failures[0]

    # The shop's side

    def _answer_shop(self, method: str, path: str, headers: Message, body: bytes) -> Reply:
        route = "/orders" if path == "/orders" else "/products/{id}"
        with self._web.start_as_current_span(
            f"{method} {route}",
            context=propagate.extract(headers),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "http.route": route,
                "url.path": path,
                "url.scheme": "http",
                "network.protocol.version": "1.1",
                "user_agent.original": headers.get("user-agent", ""),
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                status, reply = (
                    self._order(json.loads(body)) if path == "/orders" else self._show(int(path.rpartition("/")[2]))
                )
            except (PaymentDeclined, SoldOut) as error:
                span.record_exception(error)
                span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {error}"))
                status, reply = 500, {"error": str(error)}
            span.set_attribute("http.response.status_code", status)
            return status, reply

    def _show(self, product: int) -> Reply:
        rows = self._query("SELECT name, price FROM product WHERE id = ?", product)
        if not rows:
            trace.get_current_span().add_event("no such product", {"shop.product.id": product})
            return 404, {"error": f"no product {product}"}
        return 200, {"name": rows[0][0], "price": rows[0][1]}

    def _order(self, cart: dict[str, Any]) -> Reply:
        order, product, count = cart["order"], cart["product"], cart["count"]
        with self._web.start_as_current_span("price cart", attributes={"shop.cart.items": count}) as span:
            [(name, price)] = self._query("SELECT name, price FROM product WHERE id = ?", product)
            amount = round(price * count, 2)
            span.add_event("priced", {"shop.product": name, "shop.amount": amount})
        with self._web.start_as_current_span("reserve stock", attributes={"shop.product": name}):
            [(reserved,)] = self._query(
                "UPDATE product SET stock = stock - ? WHERE id = ? AND stock >= ?", count, product, count
            )
            if not reserved:
                raise SoldOut(f"no {name} left")
        with self._web.start_as_current_span("charge card", attributes={"shop.amount": amount, "shop.currency": "EUR"}):
            self._charge(order, amount)
        self._query("INSERT INTO purchase VALUES (?, ?, ?)", order, product, amount)
        self._ship(order)
        return 201, {"order": order, "amount": amount}

    def _charge(self, order: str, amount: float) -> None:
        port = self._servers[1].server_port
        attributes: dict[str, str | int] = {
            "http.request.method": "POST",
            "url.full": f"http://127.0.0.1:{port}/charges",
            "server.address": "127.0.0.1",
            "server.port": port,
        }
        with self._web.start_as_current_span("POST", kind=SpanKind.CLIENT, attributes=attributes) as span:
            headers = {"Content-Type": "application/json"}
            propagate.inject(headers)
            bank = self._bank_connection()
            bank.request("POST", "/charges", json.dumps({"order": order, "amount": amount}), headers)
            reply = bank.getresponse()
            answer = json.loads(reply.read())
            span.set_attribute("http.response.status_code", reply.status)
            if reply.status != 201:
                span.set_status(StatusCode.ERROR)
        if reply.status != 201:
            raise PaymentDeclined(answer["error"])

    def _ship(self, order: str) -> None:
        """A job in a trace of its own, which links to the order's."""
        cause = Link(trace.get_current_span().get_span_context(), {"shop.cause": "order placed"})
        with self._web.start_as_current_span(
            "ship order", context=Context(), kind=SpanKind.PRODUCER, links=[cause], attributes={"shop.order": order}
        ):
            pass

    def _query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows; of a statement that has none, one row that holds how many it changed."""
        verb = statement.partition(" ")[0]
        attributes = {
            "db.system.name": "sqlite",
            "db.namespace": "shop",
            "db.operation.name": verb,
            "db.query.text": statement,
        }
        with self._database.start_as_current_span(f"{verb} shop", kind=SpanKind.CLIENT, attributes=attributes) as span:
            with self._sql_lock, self._sql:
                cursor = self._sql.execute(statement, values)
                rows = cursor.fetchall()
            span.set_attribute("db.response.returned_rows", len(rows))
            return [(cursor.rowcount,)] if cursor.description is None else rows

    def _bank_connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "bank", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._servers[1].server_port, timeout=30)
            self._local.bank = connection
            self._to_bank.append(connection)
        return connection

    # The bank's side

    def _answer_bank(self, method: str, path: str, headers: Message, body: bytes) -> Reply:
        with self._bank.start_as_current_span(
            f"{method} {path}",
            context=propagate.extract(headers),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "http.route": path, "url.scheme": "http"},
        ) as span:
            charge = json.loads(body)
            with self._bank.start_as_current_span("assess risk") as assessment:
                time.sleep(random.uniform(*BANK_SECONDS))
                declined = charge["amount"] > LIMIT_EUR
                assessment.set_attributes({"bank.amount": charge["amount"], "bank.declined": declined})
            if declined:
                span.add_event("declined", {"bank.limit": LIMIT_EUR})
            status = 402 if declined else 201
            span.set_attribute("http.response.status_code", status)
            return status, {"error": f"{charge['amount']:.2f} EUR is over the limit"} if declined else {"id": "ch-1"}


def _server(answer: Callable[[str, str, Message, bytes], Reply]) -> ThreadingHTTPServer:
    """A JSON server on a free port that answers every request by ``answer(method, path, headers, body)``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one segment

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, reply = answer(self.command, self.path, self.headers, body)
            encoded = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        do_GET = do_POST = _do  # noqa: N815 - the names that the base class calls

        def log_message(self, format: str, *args: object) -> None:
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def _visit(web: http.client.HTTPConnection, dice: random.Random) -> None:
    """One request: mostly looking at a product (some do not exist), else an order, in all the shop's variety."""
    if dice.random() < 0.6:
        web.request("GET", f"/products/{dice.randrange(len(PRODUCTS) + 1)}", headers=_CUSTOMER)
        web.getresponse().read()
    else:
        scarce = PRODUCTS.index(SCARCE)
        product = scarce if dice.random() < 0.02 else dice.choice([n for n in range(len(PRODUCTS)) if n != scarce])
        _order(web, dice, product, dice.randint(1, 5))


def _order(web: http.client.HTTPConnection, dice: random.Random, product: int, count: int) -> None:
    cart = {"order": f"o-{dice.getrandbits(48):012x}", "product": product, "count": count}
    web.request("POST", "/orders", json.dumps(cart), {**_CUSTOMER, "Content-Type": "application/json"})
    web.getresponse().read()
