"""The shop's tables, and a connection to them."""

import os

import psycopg

PRODUCTS = [("apple", "An apple", 60), ("bread", "A loaf of bread", 350), ("cheese", "A piece of cheese", 720)]


def connect() -> psycopg.Connection:
    """A connection, which a ``with`` commits and closes; a busy shop would have a pool of them."""
    return psycopg.connect(os.environ["DATABASE_URL"])


def prepare(url: str) -> None:
    """Tables with what is sold; orders of an earlier run stay."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS products (sku text PRIMARY KEY, name text, cents integer)")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS orders (id bigserial PRIMARY KEY, sku text REFERENCES products, "
            "quantity integer, cents integer, status text)"
        )
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO products VALUES (%s, %s, %s) ON CONFLICT DO NOTHING", PRODUCTS)
