"""Open the shop, send customers for a while, close it, and show what became of every span. README.md has more."""

import argparse
import http.client
import itertools
import json
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from examples.launcher import (
    ExampleError,
    Programs,
    answers,
    backend,
    free_ports,
    print_books,
    raise_on_sigterm,
    scratch,
)
from examples.servers import postgresql
from examples.shop.database import prepare

SERVICES = ("catalogue", "payment", "orders", "storefront")
WANTED = ("apple", "bread", "cheese", "apple", "caviar")  # the last of which is not sold
CONFIGURATION = str(Path(__file__).with_name("gunicorn.conf.py"))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m examples.shop", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="how long customers come (10)")
    parser.add_argument("--rate", type=float, default=1, help="customers a second (1)")
    options = parser.parse_args()
    raise_on_sigterm()
    try:
        run(options.seconds, options.rate)
    except ExampleError as error:
        sys.exit(f"shop: {error}")
    except KeyboardInterrupt:
        sys.exit("shop: closed early")


def run(seconds: float, rate: float) -> None:
    """The shop with all that it needs.

    :raises ExampleError: if something does not start, or a span is lost.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(scratch())
        database = stack.enter_context(postgresql(folder))
        prepare(database)
        endpoint = stack.enter_context(backend())
        ports = dict(zip(SERVICES, free_ports(len(SERVICES)), strict=True))
        variables = {
            "DATABASE_URL": database,
            "OTEL_PYTHON_EXCLUDED_URLS": "health",
            **{f"{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in ports.items()},
        }
        programs = stack.enter_context(Programs(folder, endpoint, variables))
        for name, port in ports.items():
            programs.start(name, command(name, port))
        for name, port in ports.items():
            programs.wait_for(lambda port=port: answers(f"http://127.0.0.1:{port}/health"), f"{name} is up")  # type: ignore[misc]  # mypy infers no lambda with a default
        print(f"the shop is open: http://127.0.0.1:{ports['storefront']}/docs", flush=True)
        said = send_customers(programs, ports["storefront"], seconds, rate)
        print(f"customers: {sum(said.values())}, answers: " + ", ".join(f"{n} × {s}" for s, n in sorted(said.items())))
        for name in reversed(SERVICES):  # the front first: nobody is asked who is gone
            programs.stop(name)
        if not print_books(programs.books()):
            raise ExampleError(f"not every span has arrived in time at {endpoint}: is an OTLP/HTTP backend there?")


def command(name: str, port: int) -> list[str]:
    """How a service is started, but for ``opentelemetry-instrument`` in front."""
    application = f"examples.shop.{name}:app"
    if name in {"catalogue", "storefront"}:
        return ["uvicorn", application, "--port", str(port), "--log-level", "warning"]
    return ["gunicorn", application, "-c", CONFIGURATION, "--bind", f"127.0.0.1:{port}"]


def send_customers(programs: Programs, port: int, seconds: float, rate: float) -> Counter[int]:
    """One order after the other, at this rate if the shop keeps up; how often each status was answered."""
    said: Counter[int] = Counter()
    began = time.monotonic()
    for number in itertools.count():
        due = began + number / rate
        if due >= began + seconds:
            return said
        time.sleep(max(0.0, due - time.monotonic()))
        programs.check()
        body = json.dumps({"sku": WANTED[number % len(WANTED)], "quantity": 1 + number % 3})
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/checkout", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        print(f"customer {number + 1}: {answer.status} {answer.read().decode()}", flush=True)
        said[answer.status] += 1
        connection.close()
    raise AssertionError


if __name__ == "__main__":
    main()
