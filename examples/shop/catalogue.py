"""The catalogue: what is sold, from the database. FastAPI with plain functions, which run in threads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException

from examples.books import close_books
from examples.shop.database import connect


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """The server ends by the signal that it got: what Python does at exit does not happen, so spans are sent here."""
    yield
    close_books()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
def health() -> dict[str, str]:
    """For whoever waits until the service is up; OTEL_PYTHON_EXCLUDED_URLS keeps it out of the traces."""
    return {"status": "ok"}


@app.get("/products/{sku}")
def product(sku: str) -> dict[str, Any]:
    """One product with its price."""
    with connect() as connection:
        row = connection.execute("SELECT sku, name, cents FROM products WHERE sku = %s", (sku,)).fetchone()
    if row is None:
        raise HTTPException(404, f"no product {sku}")
    return {"sku": row[0], "name": row[1], "cents": row[2]}
