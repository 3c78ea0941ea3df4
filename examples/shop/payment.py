"""Payment, which fails for every third order. Flask under gunicorn."""

import os
import time
from typing import Any

from flask import Flask, request
from opentelemetry import trace

FAILS_EVERY = int(os.environ.get("SHOP_PAYMENT_FAILS_EVERY", "3"))  # 0: never

app = Flask(__name__)
tracer = trace.get_tracer("shop.payment")


class BankError(Exception):
    """The bank does not answer as it should."""


@app.get("/health")
def health() -> dict[str, str]:
    """For whoever waits until the service is up."""
    return {"status": "ok"}


@app.post("/charges")
def charge() -> dict[str, Any]:
    """Charge a card."""
    wanted: dict[str, Any] = request.get_json()
    with tracer.start_as_current_span("ask the bank", attributes={"shop.order.id": wanted["order"]}):
        time.sleep(0.005)  # it is far away
        if FAILS_EVERY and wanted["order"] % FAILS_EVERY == 0:
            # The span that this leaves gets the status ERROR and the exception as an event.
            raise BankError(f"no answer for order {wanted['order']}")
    return {"order": wanted["order"], "charged": wanted["cents"]}


@app.errorhandler(BankError)
def bank_error(error: BankError) -> tuple[dict[str, str], int]:
    """A status of 500 and above makes the server's span an error as well."""
    return {"error": str(error)}, 503
