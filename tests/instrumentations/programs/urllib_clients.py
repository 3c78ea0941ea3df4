"""urllib, urllib3 and requests, each with its own instrumentation, against a plain server that tells which headers came."""

import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
import urllib3
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_http_instrumentation

tracer = trace.get_tracer("clients")
busy = iter([503, 503])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        status = {"/missing": 404, "/moved": 301}.get(path, 200)
        if path == "/busy":
            status = next(busy, 200)
        body = f"traceparent: {self.headers['traceparent']}".encode()
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "/ok")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self) -> None:
        self.do_GET()

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


def with_urllib(base: str) -> None:
    for path in ("/ok?a=1", "/moved", "/missing"):
        try:
            with urllib.request.urlopen(base + path, timeout=30) as answer:
                print(path, answer.status, answer.read().decode())
        except urllib.error.HTTPError as error:
            print(path, error.code)
    asked = urllib.request.Request(f"{base}/ok", data=b"x", method="PUT", headers={"traceparent": "mine"})
    with tracer.start_as_current_span("puts"), urllib.request.urlopen(asked, timeout=30) as answer:
        print(answer.status, answer.read().decode())


def with_urllib3(base: str) -> None:
    pool = urllib3.PoolManager(retries=urllib3.Retry(3, status_forcelist=[503], backoff_factor=0))
    for path in ("/ok?a=1", "/moved", "/missing", "/busy"):
        answer = pool.request("GET", base + path)
        print(path, answer.status, answer.data.decode())
    with tracer.start_as_current_span("several") as span:
        with ThreadPoolExecutor(3) as threads:
            answers = list(threads.map(lambda number: pool.request("PUT", f"{base}/ok?{number}"), range(5)))
        print([answer.status for answer in answers])
        with suppress_http_instrumentation():
            print(pool.request("GET", f"{base}/ok").data.decode())
        span.set_status(trace.StatusCode.ERROR, "as a test")
    pool.clear()


def with_requests(base: str) -> None:
    with requests.Session() as session:
        session.headers["X-Team"] = "tests"
        for path in ("/ok", "/moved", "/missing"):
            answer = session.get(base + path, timeout=30)
            print(path, answer.status_code, answer.text)


def refused(base: str) -> None:
    with tracer.start_as_current_span("refused"):
        try:
            urllib.request.urlopen(f"{base}/ok", timeout=30)
        except urllib.error.URLError as error:
            print(type(error).__name__)
        try:
            urllib3.PoolManager().request("GET", f"{base}/ok", retries=False)
        except urllib3.exceptions.HTTPError as error:
            print(type(error).__name__)
        try:
            requests.get(f"{base}/ok", timeout=30)
        except requests.ConnectionError as error:
            print(type(error).__name__)


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    base = f"http://127.0.0.1:{server.server_port}"
    with_urllib(base)
    with_urllib3(base)
    with_requests(base)
    server.shutdown()
    server.server_close()
    thread.join()
    refused(base)


if __name__ == "__main__":
    main()
