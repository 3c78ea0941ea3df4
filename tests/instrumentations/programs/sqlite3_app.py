"""sqlite3 as it is used: cursors, executemany, scripts, errors, transactions, threads."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation

tracer = trace.get_tracer("ledger")


def book(connection: sqlite3.Connection) -> None:
    with tracer.start_as_current_span("book", attributes={"accounts": 3}):
        cursor = connection.cursor()
        cursor.execute("CREATE TABLE accounts (name TEXT PRIMARY KEY, cents INTEGER CHECK (cents >= 0))")
        cursor.executemany("INSERT INTO accounts VALUES (?, ?)", [("anna", 500), ("bernd", 0), ("zoë", 7)])
        connection.commit()
        print(cursor.execute("SELECT name, cents FROM accounts WHERE cents > ? ORDER BY name", (0,)).fetchall())


def transfer(connection: sqlite3.Connection, cents: int) -> None:
    with tracer.start_as_current_span("transfer") as span:
        span.set_attribute("cents", cents)
        try:
            cursor = connection.cursor()
            cursor.execute("UPDATE accounts SET cents = cents + ? WHERE name = 'bernd'", (cents,))
            cursor.execute("UPDATE accounts SET cents = cents - ? WHERE name = 'anna'", (cents,))
            connection.commit()
        except sqlite3.IntegrityError as error:
            connection.rollback()
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR, "rolled back")


def mistakes(connection: sqlite3.Connection) -> None:
    cursor = connection.cursor()
    for statement in ("SELECT * FROM missing", "SELEKT 1", "", "   -- nothing but a comment"):
        try:
            cursor.execute(statement)
        except sqlite3.Error as error:
            print(type(error).__name__, error)
    try:
        cursor.executemany("INSERT INTO accounts VALUES (?, ?)", [("dora", 1), ("anna", 1)])
    except sqlite3.IntegrityError as error:
        print(error)
    connection.rollback()
    try:
        with tracer.start_as_current_span("leaving"):
            cursor.execute("INSERT INTO accounts VALUES ('dora')")
    except sqlite3.OperationalError as error:
        print(error)


def count(number: int) -> int:
    with closing(sqlite3.connect(":memory:")) as connection, tracer.start_as_current_span(f"count {number}"):
        found = connection.cursor().execute("SELECT ? + 1", (number,)).fetchone()
        return int(found[0])


def main() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        book(connection)
        transfer(connection, 100)
        transfer(connection, 1_000)
        mistakes(connection)
        connection.cursor().executescript("CREATE TABLE a (b); DROP TABLE a;")
        with suppress_instrumentation():
            connection.cursor().execute("SELECT 1")
        with connection:
            connection.execute("DELETE FROM accounts")
    with ThreadPoolExecutor(4) as pool:
        print(list(pool.map(count, range(8))))


if __name__ == "__main__":
    main()
