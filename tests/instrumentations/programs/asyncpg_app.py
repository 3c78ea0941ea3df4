"""PostgreSQL by asyncpg: statements, batches, transactions, cursors, a pool, errors, a cancelled query."""

import asyncio
import os

import asyncpg
from opentelemetry import trace

tracer = trace.get_tracer("stock")
WHERE = {
    "host": os.environ["POSTGRESQL_HOST"],
    "port": os.environ["POSTGRESQL_PORT"],
    "password": os.environ["POSTGRESQL_PASSWORD"],
    "user": "shop",
    "database": "postgres",
}


async def fill(connection: asyncpg.Connection) -> None:
    with tracer.start_as_current_span("fill"):
        await connection.execute("CREATE TABLE async_stock (item text PRIMARY KEY, pieces int CHECK (pieces >= 0))")
        await connection.executemany("INSERT INTO async_stock VALUES ($1, $2)", [("umbrella", 3), ("größe", 1)])
        print(await connection.fetchval("SELECT sum(pieces) FROM async_stock"))
        print(await connection.fetchrow("SELECT * FROM async_stock WHERE item = $1", "umbrella"))


async def fail(connection: asyncpg.Connection) -> None:
    for statement in ("SELECT * FROM nowhere", "SELEKT", "UPDATE async_stock SET pieces = -1"):
        try:
            with tracer.start_as_current_span("fail"):
                async with connection.transaction():
                    await connection.execute(statement)
        except asyncpg.PostgresError as error:
            print(type(error).__name__)
    try:
        await asyncio.wait_for(connection.execute("SELECT pg_sleep(30)"), 0.2)
    except asyncio.TimeoutError:
        print("cancelled")


async def main() -> None:
    connection = await asyncpg.connect(**WHERE)
    await fill(connection)
    await fail(connection)
    async with connection.transaction():
        async for row in connection.cursor("SELECT generate_series(1, 3)"):
            print(row)
        cursor = await connection.cursor("SELECT generate_series(1, 9)")
        print(len(await cursor.fetch(4)))
    statement = await connection.prepare("SELECT $1::int * 2")
    print(await statement.fetchval(21))
    await connection.close()

    async with asyncpg.create_pool(**WHERE, min_size=2, max_size=4) as pool:

        async def one(number: int) -> int:
            with tracer.start_as_current_span(f"one {number}"):
                return await pool.fetchval("SELECT $1::int + 1", number)

        print(await asyncio.gather(*map(one, range(8))))


if __name__ == "__main__":
    asyncio.run(main())
