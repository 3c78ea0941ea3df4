"""The storefront: what customers talk to. FastAPI, asynchronous, and httpx to the services behind."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

from examples.books import close_books


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One client for all requests; at the end what waits is sent, as in the catalogue."""
    async with httpx.AsyncClient(timeout=30) as client:
        app.state.client = client
        yield
    close_books()


app = FastAPI(lifespan=lifespan)


class Checkout(BaseModel):
    """What a customer wants."""

    sku: str
    quantity: int = 1


@app.get("/health")
async def health() -> dict[str, str]:
    """For whoever waits until the service is up."""
    return {"status": "ok"}


@app.post("/checkout")
async def checkout(wanted: Checkout) -> dict[str, Any]:
    """Ask the catalogue for the price, then place the order."""
    client: httpx.AsyncClient = app.state.client
    found = await client.get(f"{os.environ['CATALOGUE_URL']}/products/{wanted.sku}")
    if found.status_code == 404:
        raise HTTPException(404, f"we do not sell {wanted.sku}")
    cents = found.raise_for_status().json()["cents"] * wanted.quantity
    placed = await client.post(
        f"{os.environ['ORDERS_URL']}/orders", json={"sku": wanted.sku, "quantity": wanted.quantity, "cents": cents}
    )
    order: dict[str, Any] = placed.raise_for_status().json()
    if order["status"] != "paid":
        raise HTTPException(502, f"order {order['id']}: the payment has failed")
    return order
