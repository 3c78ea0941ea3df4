"""Orders: written down before they are paid for. Flask with requests, under gunicorn, which forks its workers."""

import os
from typing import Any

import requests
from flask import Flask, request
from opentelemetry import trace

from examples.shop.database import connect

app = Flask(__name__)
tracer = trace.get_tracer("shop.orders")


@app.get("/health")
def health() -> dict[str, str]:
    """For whoever waits until the service is up."""
    return {"status": "ok"}


@app.post("/orders")
def place() -> tuple[dict[str, Any], int]:
    """Write the order down, have it paid for, and write down what came of it."""
    wanted: dict[str, Any] = request.get_json()
    # A span of our own, by OpenTelemetry's API, among those of the instrumentations.
    with tracer.start_as_current_span("place order", attributes={"shop.sku": wanted["sku"]}) as span:
        with connect() as connection:
            row = connection.execute(
                "INSERT INTO orders (sku, quantity, cents, status) VALUES (%s, %s, %s, 'open') RETURNING id",
                (wanted["sku"], wanted["quantity"], wanted["cents"]),
            ).fetchone()
        assert row is not None
        order = row[0]
        span.set_attribute("shop.order.id", order)
        charged = requests.post(
            f"{os.environ['PAYMENT_URL']}/charges", json={"order": order, "cents": wanted["cents"]}, timeout=30
        )
        status = "paid" if charged.ok else "failed"
        span.set_attribute("shop.order.status", status)
        with connect() as connection:
            connection.execute("UPDATE orders SET status = %s WHERE id = %s", (status, order))
    return {"id": order, "status": status}, 201
