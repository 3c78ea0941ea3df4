"""A shop's tables by SQLAlchemy: ORM and core, sessions that fail, executemany, threads; on SQLite, or on a PostgreSQL server."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

from opentelemetry import trace
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from sqlalchemy import URL, Engine, ForeignKey, create_engine, exc, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.pool import StaticPool

tracer = trace.get_tracer("shop")


class Base(DeclarativeBase):
    """Of all tables."""


class Customer(Base):
    """Who buys."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    orders: Mapped[list["Order"]] = relationship(back_populates="customer", order_by="Order.id")


class Order(Base):
    """What is bought."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    what: Mapped[str]
    customer: Mapped[Customer] = relationship(back_populates="orders")


def engines() -> dict[str, Engine]:
    if sys.argv[1] == "sqlite":
        return {"sqlite": create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})}
    where = {
        "username": "shop",
        "password": os.environ["POSTGRESQL_PASSWORD"],
        "host": os.environ["POSTGRESQL_HOST"],
        "port": int(os.environ["POSTGRESQL_PORT"]),
        "database": "postgres",
    }
    return {
        driver: create_engine(URL.create(f"postgresql+{driver}", **where), pool_size=4)
        for driver in ("psycopg", "psycopg2")
    }


def sell(engine: Engine) -> None:
    with tracer.start_as_current_span("sell"), Session(engine) as session:
        anna = Customer(name="anna", orders=[Order(what="umbrella"), Order(what="boots")])
        session.add_all([anna, Customer(name="bernd"), Customer(name="zoë")])
        session.commit()
        for customer in session.scalars(select(Customer).order_by(Customer.name)):
            print(customer.name, [order.what for order in customer.orders])
        anna.name = "anna maria"
        session.flush()
        session.delete(anna.orders[0])
        session.rollback()


def fail(engine: Engine) -> None:
    with tracer.start_as_current_span("fail") as span, Session(engine) as session:
        session.add(Customer(name="bernd"))
        try:
            session.commit()
        except exc.IntegrityError as error:
            session.rollback()
            span.record_exception(error.orig, {"shop.twice": True})
            print(type(error).__name__)
    with engine.connect() as connection:
        try:
            connection.execute(text("SELECT * FROM nowhere"))
        except exc.DBAPIError as error:
            print(type(error).__name__)


def core(engine: Engine) -> None:
    with tracer.start_as_current_span("core"), engine.begin() as connection:
        connection.execute(
            Order.__table__.insert(), [{"customer_id": 2, "what": f"thing {number}"} for number in range(5)]
        )
        found = connection.execute(
            text("SELECT count(*) /* counted */ FROM orders WHERE customer_id = :who"), {"who": 2}
        )
        print(found.scalar_one())
        connection.execute(text("WITH a AS (SELECT 1 AS b) SELECT b FROM a"))
        connection.execute(text("update orders set what = 'x' where id = -1"))
        with connection.begin_nested():
            connection.execute(text("DELETE FROM orders WHERE what LIKE 'thing%'"))


def counted(engine: Engine, number: int) -> int:
    with tracer.start_as_current_span(f"counted {number}"), engine.connect() as connection:
        return int(connection.execute(select(Customer.id).where(Customer.id == number)).scalar_one())


def commented(engine: Engine) -> None:
    """What the server gets."""
    with tracer.start_as_current_span("commented"), engine.connect() as connection:
        sent = str(
            connection.execute(text("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()")).scalar_one()
        )
        span = trace.get_current_span().get_span_context()
        print("traceparent" in sent, f"{span.trace_id:032x}" in sent)


def main() -> None:
    if "sqlcommenter" in sys.argv:
        SQLAlchemyInstrumentor().uninstrument()
        SQLAlchemyInstrumentor().instrument(enable_commenter=True, commenter_options={})
    for driver, engine in engines().items():
        with tracer.start_as_current_span(driver):
            Base.metadata.drop_all(engine)
            Base.metadata.create_all(engine)
        sell(engine)
        fail(engine)
        core(engine)
        if driver != "sqlite":
            commented(engine)
            with ThreadPoolExecutor(4) as pool:
                print(list(pool.map(lambda number, engine=engine: counted(engine, number % 3 + 1), range(8))))
        engine.dispose()


if __name__ == "__main__":
    main()
