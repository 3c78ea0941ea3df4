"""The shop in Flask behind gunicorn with forked workers, a process of its own: ``opentelemetry-instrument gunicorn flask_app:app``."""

import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import requests
from opentelemetry import baggage, context, trace

tracer = trace.get_tracer("client")


def ask(base: str) -> None:
    for path in ("/items/1", "/broken", "/handled", "/stream", "/missing", "/health"):
        print(path, requests.get(base + path, timeout=60).status_code)
    with tracer.start_as_current_span("basket"):
        token = context.attach(baggage.set_baggage("tenant", "acme"))
        current = context.get_current()

        def one(number: int) -> int:
            context.attach(current)
            return requests.get(f"{base}/items/{number}", timeout=60).status_code

        with ThreadPoolExecutor(4) as pool:
            print(list(pool.map(one, range(12))))
        context.detach(token)


def main(*options: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        command = [
            "opentelemetry-instrument",
            "gunicorn",
            "-b",
            f"fd://{listening.fileno()}",
            "--log-level",
            "critical",
        ]
        server = subprocess.Popen([*command, *options, "flask_app:app"], pass_fds=[listening.fileno()])
        try:
            ask(base)
        finally:
            server.send_signal(signal.SIGTERM)
            print("gunicorn", server.wait(60))


if __name__ == "__main__":
    main(*sys.argv[1:])
