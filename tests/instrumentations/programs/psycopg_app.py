"""PostgreSQL by psycopg, synchronous and asynchronous: cursors, executemany, transactions, pipelines, COPY, errors, threads."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import psycopg
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from psycopg import sql

tracer = trace.get_tracer("stock")
WHERE = {
    "host": os.environ["POSTGRESQL_HOST"],
    "port": os.environ["POSTGRESQL_PORT"],
    "password": os.environ["POSTGRESQL_PASSWORD"],
    "user": "shop",
    "dbname": "postgres",
}


def fill(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    with tracer.start_as_current_span("fill"), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE stock (item text PRIMARY KEY, pieces int CHECK (pieces >= 0))")
        cursor.executemany("INSERT INTO stock VALUES (%s, %s)", [("umbrella", 3), ("boots", 1), ("größe", 0)])
        print(cursor.rowcount)
        with cursor.copy("COPY stock FROM STDIN") as copy:
            copy.write_row(("hat", 9))
        connection.commit()


def take(connection: "psycopg.Connection[tuple[object, ...]]", item: str, pieces: int) -> None:
    with tracer.start_as_current_span("take", attributes={"item": item}) as span:
        try:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute("UPDATE stock SET pieces = pieces - %s WHERE item = %s RETURNING pieces", (pieces, item))
                print(item, cursor.fetchone())
        except psycopg.errors.CheckViolation as error:
            span.record_exception(error)
            span.set_status(trace.Status(trace.StatusCode.ERROR, "not enough"))
            print(item, type(error).__name__)


def mistakes(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    for statement in ("SELECT * FROM nowhere", "SELEKT", "SELECT 1/0", ""):
        try:
            connection.execute(statement)
        except psycopg.Error as error:
            print(type(error).__name__)
        connection.rollback()
    table = sql.Identifier("stock")
    query = sql.SQL("SELECT item FROM {} WHERE pieces > {}").format(table, sql.Literal(2))
    print(connection.cursor().execute(query).fetchall())
    try:
        psycopg.connect(**{**WHERE, "dbname": "missing"})
    except psycopg.OperationalError as error:
        print(type(error).__name__)


def look(number: int) -> int:
    with tracer.start_as_current_span(f"look {number}"), psycopg.connect(**WHERE) as connection:
        cursor = connection.cursor(name=f"named_{number}")
        cursor.execute("SELECT generate_series(1, %s)", (number + 1,))
        return len(cursor.fetchall())


async def asynchronous() -> None:
    async with await psycopg.AsyncConnection.connect(**WHERE) as connection:
        with tracer.start_as_current_span("asynchronous"):
            async with connection.cursor() as cursor:
                await cursor.execute("SELECT item FROM stock ORDER BY item")
                print(await cursor.fetchall())
                await cursor.executemany("UPDATE stock SET pieces = %s WHERE item = %s", [(5, "hat"), (6, "boots")])
            try:
                await connection.execute("SELECT nothing")
            except psycopg.Error as error:
                print(type(error).__name__)

    async def one(number: int) -> object:
        async with await psycopg.AsyncConnection.connect(**WHERE) as own:
            with tracer.start_as_current_span(f"one {number}"):
                return await (await own.execute("SELECT %s::int + 1", (number,))).fetchone()

    print(await asyncio.gather(*map(one, range(4))))


def main() -> None:
    with psycopg.connect(**WHERE) as connection:
        fill(connection)
        take(connection, "umbrella", 2)
        take(connection, "boots", 2)
        mistakes(connection)
        with connection.pipeline(), tracer.start_as_current_span("pipeline"):
            first = connection.execute("SELECT 1")
            second = connection.execute("SELECT 2")
        print(first.fetchone(), second.fetchone())
        with suppress_instrumentation():
            connection.execute("SELECT 3")
    with ThreadPoolExecutor(4) as pool:
        print(list(pool.map(look, range(8))))
    asyncio.run(asynchronous())


if __name__ == "__main__":
    main()
