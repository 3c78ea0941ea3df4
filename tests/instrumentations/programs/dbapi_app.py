"""A driver that has no instrumentation of its own, wrapped by that of the DB-API: by hand, with comments, captured parameters."""

import sqlite3
import sys
import types
from contextlib import closing

from opentelemetry import trace
from opentelemetry.instrumentation import dbapi

tracer = trace.get_tracer("wrapped")

# What the instrumentation reads of a driver.
driver = types.ModuleType("somedb")
driver.__version__ = "2.5"
driver.paramstyle = "qmark"
driver.apilevel = "2.0"
driver.threadsafety = 1
driver.connect = sqlite3.connect
sys.modules["somedb"] = driver


def query(connection: object) -> None:
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE books (title TEXT, year INTEGER)")
    cursor.executemany("INSERT INTO books VALUES (?, ?)", [("Emma", 1815), ("Momo", 1973)])
    for row in cursor.execute("SELECT title FROM books WHERE year > ?", (1900,)):
        print(row)
    try:
        cursor.execute("SELECT nothing FROM nowhere")
    except sqlite3.OperationalError as error:
        print(error)


def main() -> None:
    for options in (
        {},
        {"capture_parameters": True},
        {"enable_commenter": True, "commenter_options": {"opentelemetry_values": False}},
        {
            "enable_commenter": True,
            "commenter_options": {"opentelemetry_values": False},
            "enable_attribute_commenter": True,
        },
    ):
        dbapi.wrap_connect("wrapped", driver, "connect", "somedb", {"database": "database"}, version="0.9", **options)
        with (
            tracer.start_as_current_span("round", attributes={"options": sorted(options)}),
            closing(driver.connect(":memory:")) as connection,
        ):
            query(connection)
        dbapi.unwrap_connect(driver, "connect")
    with closing(driver.connect(":memory:")) as plain:
        own = dbapi.instrument_connection("own", plain, "somedb", connection_attributes={"user": "user"})
        own.cursor().execute("SELECT 1")
        dbapi.uninstrument_connection(own).cursor().execute("SELECT 2")


if __name__ == "__main__":
    main()
