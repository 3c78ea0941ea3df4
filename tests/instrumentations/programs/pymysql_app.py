"""MariaDB by PyMySQL: cursors, executemany, transactions, errors."""

import os
from contextlib import closing

import pymysql
from opentelemetry import trace
from pymysql.cursors import DictCursor

tracer = trace.get_tracer("stock")


def connect() -> pymysql.Connection:
    return pymysql.connect(unix_socket=os.environ["MARIADB_SOCKET"], user="shop", database="shop", charset="utf8mb4")


def main() -> None:
    with closing(connect()) as connection, closing(connection.cursor()) as cursor:
        with tracer.start_as_current_span("fill"):
            cursor.execute("CREATE TABLE stock (item VARCHAR(20) PRIMARY KEY, pieces INT)")
            cursor.executemany("INSERT INTO stock VALUES (%s, %s)", [("umbrella", 3), ("größe", 1)])
            connection.commit()
        with tracer.start_as_current_span("take") as span:
            try:
                cursor.execute("UPDATE stock SET pieces = pieces - 1 WHERE item = %s", ("umbrella",))
                cursor.execute("INSERT INTO stock VALUES ('umbrella', 0)")
            except pymysql.err.IntegrityError as error:
                connection.rollback()
                span.record_exception(error)
                print(type(error).__name__)
        for statement in ("SELECT * FROM nowhere", "SELEKT"):
            try:
                cursor.execute(statement)
            except pymysql.MySQLError as error:
                print(type(error).__name__)
        with closing(connection.cursor(DictCursor)) as by_name:
            by_name.execute("SELECT item, pieces FROM stock ORDER BY item")
            print(by_name.fetchall())
    try:
        pymysql.connect(unix_socket=os.environ["MARIADB_SOCKET"], user="shop", database="missing")
    except pymysql.MySQLError as error:
        print(type(error).__name__)


if __name__ == "__main__":
    main()
