"""PostgreSQL by psycopg2: cursors, batches, transactions, named cursors, errors; with comments that name the trace."""

import os
import sys

import psycopg2
import psycopg2.errors
from opentelemetry import trace
from opentelemetry.instrumentation.psycopg2 import Psycopg2Instrumentor
from psycopg2 import extras, sql

tracer = trace.get_tracer("stock")


def connect(name: str = "postgres") -> "psycopg2.extensions.connection":
    return psycopg2.connect(
        host=os.environ["POSTGRESQL_HOST"],
        port=os.environ["POSTGRESQL_PORT"],
        password=os.environ["POSTGRESQL_PASSWORD"],
        user="shop",
        dbname=name,
    )


def fill(connection: "psycopg2.extensions.connection") -> None:
    with tracer.start_as_current_span("fill"), connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE stock (item text PRIMARY KEY, pieces int CHECK (pieces >= 0))")
        cursor.executemany("INSERT INTO stock VALUES (%s, %s)", [("umbrella", 3), ("boots", 1)])
        if "sqlcommenter" not in sys.argv:  # which makes a text of the bytes that these give
            batches(cursor)


def batches(cursor: "psycopg2.extensions.cursor") -> None:
    extras.execute_values(cursor, "INSERT INTO stock VALUES %s", [("hat", 1), ("größe", 2)])
    extras.execute_batch(cursor, "UPDATE stock SET pieces = %s WHERE item = %s", [(4, "hat"), (5, "boots")])


def take(connection: "psycopg2.extensions.connection", item: str, pieces: int) -> None:
    with tracer.start_as_current_span("take", attributes={"item": item}) as span:
        try:
            with connection, connection.cursor(cursor_factory=extras.DictCursor) as cursor:
                cursor.execute("UPDATE stock SET pieces = pieces - %s WHERE item = %s RETURNING pieces", (pieces, item))
                print(item, cursor.fetchone()["pieces"])
        except psycopg2.errors.CheckViolation as error:
            span.record_exception(error)
            print(item, type(error).__name__)


def mistakes(connection: "psycopg2.extensions.connection") -> None:
    for statement in ("SELECT * FROM nowhere", "SELEKT", "SELECT 1/0"):
        with connection.cursor() as cursor:
            try:
                cursor.execute(statement)
            except psycopg2.Error as error:
                print(type(error).__name__)
        connection.rollback()
    try:
        connect("missing")
    except psycopg2.OperationalError as error:
        print(type(error).__name__)


def commented(connection: "psycopg2.extensions.connection") -> None:
    """What the server gets."""
    with tracer.start_as_current_span("commented"), connection.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        sent = cursor.fetchone()[0]
        span = trace.get_current_span().get_span_context()
        print("traceparent" in sent, f"{span.trace_id:032x}" in sent)


def main() -> None:
    if "sqlcommenter" in sys.argv:
        Psycopg2Instrumentor().uninstrument()
        Psycopg2Instrumentor().instrument(enable_commenter=True, commenter_options={})
    connection = connect()
    fill(connection)
    take(connection, "umbrella", 2)
    take(connection, "boots", 20)
    mistakes(connection)
    commented(connection)
    with connection, connection.cursor("named") as cursor:
        cursor.execute("SELECT generate_series(1, 5)")
        print(len(cursor.fetchall()))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT {} FROM {}").format(sql.Identifier("item"), sql.Identifier("stock")))
        cursor.callproc("version")
    connection.close()


if __name__ == "__main__":
    main()
