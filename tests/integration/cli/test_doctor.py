"""``spanwire doctor`` in front of real servers, good and bad."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import trustme
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from spanwire import _log
from spanwire.cli import doctor
from spanwire.sink import TLS, Fault, Sink
from tests.integration.exporter.servers import OK, ScriptedServer, answer

NOW = datetime.now(timezone.utc)
MOST_SECONDS = 30.0  # that any of these may take, whatever else the machine does


@dataclass
class Run:
    status: int
    text: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found

    def step(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(step for step in self.document["steps"] if step["name"] == name)
        return found

    def codes(self, name: str) -> set[str]:
        return {one["code"].partition(".")[2] for one in self.step(name)["findings"]}

    def outcomes(self) -> dict[str, str]:
        return {step["name"]: step["outcome"] for step in self.document["steps"]}


Doctor = Callable[..., Run]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Doctor:
    """The command in this process, in an environment of its own, and with ``--json``."""
    for name in list(os.environ):
        if name.upper().startswith(("OTEL", "SPANWIRE", "SSL_CERT")) or name.upper().endswith(("_PROXY", "_CA_BUNDLE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("OTEL_PYTHON_DISTRO", "spanwire")
    monkeypatch.setenv("OTEL_PYTHON_CONFIGURATOR", "spanwire")

    def go(*arguments: str, as_json: bool = True, **environment: str) -> Run:
        _log._last.clear()
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            begin = time.monotonic()
            status = doctor.main([*arguments, *(["--json"] if as_json else [])])
            assert time.monotonic() - begin < MOST_SECONDS
        out, err = capsys.readouterr()
        assert err == ""
        return Run(status, out)

    return go


@contextlib.contextmanager
def listener(act: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that does ``act`` with each connection; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    act(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


# --- it works


def test_a_receiver_that_takes_spans(run: Doctor) -> None:
    with Sink() as sink:
        found = run("--endpoint", sink.http_endpoint)
        (span,) = sink.spans()
        assert sink.attempt_count == 2
    assert (found.status, found.document["verdict"], found.document["summary"]) == (0, "ok", "spans arrive")
    assert found.outcomes() == {
        **dict.fromkeys(("versions", "setup", "variables", "configuration", "dns", "tcp", "http", "span"), "ok"),
        "tls": "skipped",
    }
    assert span.name == "spanwire doctor"
    assert span.resource_attributes["service.name"] == "shop"
    assert found.step("span")["details"]["trace_id"] == span.trace_id


def test_the_configured_endpoint_headers_and_compression_are_used(run: Doctor) -> None:
    with Sink() as sink:
        found = run(
            "--service-name",
            "other",
            OTEL_EXPORTER_OTLP_ENDPOINT=sink.http_endpoint,
            OTEL_EXPORTER_OTLP_HEADERS="x-tenant=hunter2",
            OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        )
        requests = sink.requests()
        assert [request.headers["x-tenant"] for request in requests] == ["hunter2"] * 2
        assert {request.content_encoding for request in requests} == {"gzip"}
        assert sink.spans()[0].resource_attributes["service.name"] == "other"
    assert found.status == 0 and "hunter2" not in found.text


def test_no_span_is_sent_unless_wanted(run: Doctor) -> None:
    with Sink() as sink:
        found = run("--endpoint", sink.http_endpoint, "--no-send")
        assert sink.span_count == 0
    assert found.status == 0
    assert found.document["summary"] == "nothing is in the way (no test span was sent)"


def test_ipv6_or_what_there_is_of_it(run: Doctor) -> None:
    try:
        sink = Sink(host="::1").start()
    except (OSError, RuntimeError):
        pytest.skip("not applicable: no IPv6 here")
    with sink:
        found = run("--endpoint", f"http://[::1]:{sink.port}")
    assert found.status == 0
    assert found.step("tcp")["details"]["tried"][0]["family"] == "IPv6"


def test_spans_switched_off_are_told_and_the_test_span_is_sent(run: Doctor) -> None:
    with Sink() as sink:
        found = run("--endpoint", sink.http_endpoint, OTEL_SDK_DISABLED="true", OTEL_TRACES_SAMPLER="always_off")
        assert sink.span_count == 1
        assert os.environ.get("OTEL_SDK_DISABLED") is None
    assert found.status == 1
    assert found.codes("setup") >= {"sdk_disabled", "sampler_off"}
    assert found.codes("span") == {"taken", "off"}


def test_a_partial_success_is_told(run: Doctor) -> None:
    with Sink() as sink:
        sink.schedule([None, Fault(rejected=1, message="quota is used up")])
        found = run("--endpoint", sink.http_endpoint)
    assert (found.status, found.codes("span")) == (1, {"rejected"})
    assert "quota is used up" in found.document["summary"]


# --- names and connections


def test_a_name_that_nobody_knows(run: Doctor) -> None:
    found = run("--endpoint", "http://nobody.invalid:4318", "--timeout", "3")
    assert found.status == 1
    assert found.codes("dns") <= {"unknown", "unavailable", "timeout"}
    assert found.outcomes()["tcp"] == "skipped"


def test_a_name_server_that_does_not_answer(run: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    done = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: done.wait(20) and [])
    found = run("--endpoint", "http://slow.example", "--timeout", "0.2")
    done.set()
    assert found.codes("dns") == {"timeout"}


def test_a_closed_port(run: Doctor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = run("--endpoint", f"http://127.0.0.1:{port}")
    assert (found.status, found.codes("tcp")) == (1, {"refused"})
    assert f"127.0.0.1:{port}" in found.document["summary"]


def test_packets_that_are_swallowed(run: Doctor) -> None:
    # With a full backlog Linux answers no further connection.
    with socket.socket() as server, contextlib.ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        found = run("--endpoint", f"http://127.0.0.1:{server.getsockname()[1]}", "--timeout", "0.3")
    assert (found.status, found.codes("tcp")) == (1, {"timeout"})


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_answers(scheme: str, run: Doctor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        ca = trustme.CA()
        with ca.cert_pem.tempfile() as file:
            found = run("--endpoint", endpoint, "--timeout", "0.4", OTEL_EXPORTER_OTLP_CERTIFICATE=file)
    assert found.status == 1
    assert found.codes("tls" if scheme == "https" else "http") == {"timeout"}


def test_a_proxy_of_the_environment_is_told_and_not_used(run: Doctor) -> None:
    with Sink() as sink, ScriptedServer() as proxy:
        found = run("--endpoint", sink.http_endpoint, http_proxy=f"http://bob:hunter2@127.0.0.1:{proxy.port}")
        assert proxy.connections == 0
        assert sink.span_count == 1
    assert found.status == 0
    assert found.codes("configuration") == {"proxy"}
    assert "hunter2" not in found.text


# --- TLS


@pytest.fixture
def ca(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return authority


def tls_sink(issued: trustme.LeafCert, client_ca: bytes | None = None) -> Sink:
    return Sink(tls=TLS(issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes(), client_ca=client_ca))


def test_a_trusted_certificate_is_shown(run: Doctor, ca: trustme.CA, tmp_path: Path) -> None:
    until = NOW + timedelta(days=5)
    with tls_sink(ca.issue_cert("localhost", "a.example", not_after=until)) as sink:
        found = run(
            "--endpoint", f"https://localhost:{sink.port}", OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "ca.pem")
        )
        assert sink.span_count == 1
    assert found.status == 0
    assert found.codes("tls") == {"trusted", "certificate", "expires_soon"}
    details = found.step("tls")["details"]
    assert details["certificate"]["names"] == ["localhost", "a.example"]
    assert details["version"].startswith("TLSv1.") and details["cipher"]


@pytest.mark.parametrize(
    ("names", "times", "code"),
    [
        (["localhost"], {"not_before": NOW - timedelta(days=9), "not_after": NOW - timedelta(days=1)}, "expired"),
        (["localhost"], {"not_before": NOW + timedelta(days=2)}, "not_yet"),
        (["a.example"], {}, "wrong_name"),
    ],
)
def test_a_certificate_that_is_not_taken(
    names: list[str], times: dict[str, Any], code: str, run: Doctor, ca: trustme.CA, tmp_path: Path
) -> None:
    with tls_sink(ca.issue_cert(*names, **times)) as sink:
        found = run(
            "--endpoint", f"https://localhost:{sink.port}", OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "ca.pem")
        )
        assert sink.attempt_count == 0
    assert (found.status, found.codes("tls")) == (1, {code})
    assert names[0] in found.step("tls")["findings"][0]["text"]
    assert found.outcomes()["http"] == found.outcomes()["span"] == "skipped"


def test_an_unknown_authority(run: Doctor, ca: trustme.CA, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with tls_sink(ca.issue_cert("localhost")) as sink:
        found = run("--endpoint", f"https://localhost:{sink.port}", SSL_CERT_FILE=str(tmp_path / "other.pem"))
    assert (found.status, found.codes("tls")) == (1, {"unknown_issuer"})
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in found.step("tls")["findings"][0]["cure"]


def test_an_authority_s_own_certificate(run: Doctor, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with Sink(tls=TLS(authority.cert_pem.bytes(), authority.private_key_pem.bytes())) as sink:
        found = run(
            "--endpoint", f"https://localhost:{sink.port}", OTEL_EXPORTER_OTLP_CERTIFICATE=str(tmp_path / "ca.pem")
        )
    assert (found.status, found.codes("tls")) == (1, {"authority"})


def test_a_client_certificate_is_wanted_and_then_shown(run: Doctor, ca: trustme.CA, tmp_path: Path) -> None:
    client = ca.issue_cert("client@example.org")
    client.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    environment = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem")}
    with tls_sink(ca.issue_cert("localhost"), client_ca=ca.cert_pem.bytes()) as sink:
        endpoint = f"https://localhost:{sink.port}"
        without = run("--endpoint", endpoint, **environment)
        found = run(
            "--endpoint", endpoint, **environment, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=str(tmp_path / "client.pem")
        )
        assert sink.span_count == 1
    assert (without.status, without.codes("tls")) == (1, {"client_certificate"})
    assert "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE" in without.step("tls")["findings"][0]["cure"]
    assert found.status == 0


def test_https_where_http_is_spoken_and_the_other_way_round(run: Doctor, ca: trustme.CA, tmp_path: Path) -> None:
    environment = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(tmp_path / "ca.pem")}
    with Sink() as sink:
        found = run("--endpoint", f"https://localhost:{sink.port}", "--timeout", "0.7", **environment)
    assert (found.status, found.codes("tls")) == (1, {"no_tls"})
    with tls_sink(ca.issue_cert("localhost")) as sink:
        found = run("--endpoint", f"http://localhost:{sink.port}", "--timeout", "0.7")
    assert (found.status, found.codes("http")) == (1, {"tls_only"})


# --- HTTP


@pytest.mark.parametrize("status", [401, 403, 404, 405, 413, 415, 418, 429, 503])
def test_a_status_is_explained(status: int, run: Doctor) -> None:
    with Sink() as sink:
        sink.inject(status=status, message="so it is", times=None)
        found = run("--endpoint", sink.http_endpoint, "--timeout", "0.7")
        assert sink.span_count == 0
    assert (found.status, found.codes("http")) == (1, {f"status_{status}"})
    finding = found.step("http")["findings"][0]
    assert "so it is" in finding["text"] and finding["cure"]
    assert found.outcomes()["span"] == "skipped"


def test_a_request_without_spans_that_is_refused_is_no_verdict(run: Doctor) -> None:
    with Sink() as sink:
        sink.inject(status=400, message="empty")
        found = run("--endpoint", sink.http_endpoint)
        assert sink.span_count == 1
    assert (found.status, found.codes("http"), found.codes("span")) == (0, {"status_400"}, {"taken"})


def test_a_redirect_is_not_followed(run: Doctor) -> None:
    moved = b"HTTP/1.1 301 Moved\r\nLocation: https://new.example/v1/traces?t=1\r\nContent-Length: 0\r\n\r\n"
    with ScriptedServer([answer(moved)]) as server:
        found = run("--endpoint", server.endpoint)
    assert (found.status, found.codes("http")) == (1, {"redirect"})
    assert "https://new.example/v1/traces" in found.document["summary"]


def test_a_page_for_everybody_is_no_receiver(run: Doctor) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"
    with ScriptedServer([answer(page), answer(page)]) as server:
        found = run("--endpoint", server.endpoint)
    assert found.codes("http") == {"not_otlp"}
    assert found.document["verdict"] == "warning"


SETTINGS_FRAME = b"\0\0\6\4\0\0\0\0\0" + b"\0\3\0\0\0\x64"


@pytest.mark.parametrize(
    ("said", "code"),
    [(SETTINGS_FRAME, "grpc_only"), (b"SSH-2.0-OpenSSH_9.2\r\n", "no_http"), (b"\xff" * 64, "no_http")],
)
def test_what_is_no_http_server(said: bytes, code: str, run: Doctor) -> None:
    def act(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)

    with listener(act) as port:
        found = run("--endpoint", f"http://127.0.0.1:{port}", "--timeout", "0.7")
    assert (found.status, found.codes("http")) == (1, {code})


def test_a_server_that_hangs_up(run: Doctor) -> None:
    with listener(lambda connection: None) as port:
        found = run("--endpoint", f"http://127.0.0.1:{port}", "--timeout", "0.7")
    assert (found.status, found.codes("http")) == (1, {"lost"})


# --- secrets

# None is a word that the report has of its own.
SECRETS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8, max_size=24).map("q7!z".__add__)


@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # each takes its time: no shrinking
)
@given(key=SECRETS, password=SECRETS, token=SECRETS, misspelt=SECRETS, as_json=st.booleans())
def test_no_secret_is_ever_shown(
    key: str, password: str, token: str, misspelt: str, as_json: bool, run: Doctor, ca: trustme.CA
) -> None:
    def echo(connection: socket.socket) -> bool:  # as debugging servers do
        head = server.heads[-1].encode("latin-1")
        connection.sendall(b"HTTP/1.1 403 No\r\nContent-Length: %d\r\n\r\n%b" % (len(head), head))
        return True

    quoted = {name: quote(value, safe="") for name, value in {"key": key, "password": password, "token": token}.items()}
    with ScriptedServer([echo, echo]) as server:
        found = run(
            "--all",
            as_json=as_json,
            OTEL_EXPORTER_OTLP_ENDPOINT="http://bob:{password}@127.0.0.1:{port}/?t={token}".format(
                port=server.port, **quoted
            ),
            OTEL_EXPORTER_OTLP_TRACES_HEADERS="x-key={key},x-other=Bearer%20{key}".format(**quoted),
            OTEL_EXPORTER_OTLP_METRICS_HEADERS="x-key={token}".format(**quoted),
            OTEL_EXPORTER_OTLP_HEADER=f"x-key={misspelt}",
            https_proxy="http://bob:{password}@proxy:1".format(**quoted),
        )
        assert server.bodies
    assert found.status == 1
    text = found.text + json.dumps(json.loads(found.text), ensure_ascii=False) if as_json else found.text
    # As it is, percent-encoded, and with JSON's backslashes.
    for secret in (key, password, token, misspelt, *quoted.values()):
        for form in (secret, json.dumps(secret)[1:-1]):
            assert form not in text


# --- the command


@pytest.mark.parametrize(
    "arguments",
    [
        ["--timeout", "0"],
        ["--timeout", "x"],
        ["--endpoint", "ftp://bob:hunter2@h"],
        ["--nothing"],
        ["extra"],
        ["--time", "1"],
    ],
)
def test_options_that_cannot_work_end_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        doctor.main(arguments)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == "" and "usage: spanwire doctor" in err and "hunter2" not in err


@pytest.mark.parametrize(
    ("given_url", "whole"),
    [
        ("http://h", "http://h/v1/traces"),
        ("http://h:1/", "http://h:1/v1/traces"),
        (" HTTPS://h ", "HTTPS://h/v1/traces"),
        ("http://h/x", "http://h/x"),
        ("http://h?x=/y", "http://h?x=/y"),
    ],
)
def test_a_path_is_added_where_there_is_none(given_url: str, whole: str) -> None:
    assert doctor._endpoint(given_url) == whole


@pytest.mark.slow
@pytest.mark.parametrize("command", [["-m", "spanwire"], ["-c", "from spanwire.cli import main; main()"]])
def test_it_works_without_the_extra_and_leaves_nothing_behind(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules.update(dict.fromkeys(['typer', 'rich', 'click']))\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    environment.update(PYTHONPATH=str(tmp_path), COLUMNS="70")
    with Sink() as sink:
        done = subprocess.run(
            [sys.executable, "-W", "error", *command, "doctor", "--endpoint", sink.http_endpoint],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert sink.span_count == 1
    assert (done.returncode, done.stderr) == (0, ""), done
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("spans arrive")
    assert max(map(len, done.stdout.splitlines())) < 110


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "spanwire", "doctor", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_ctrl_c_ends_it_without_a_word() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        process = started("--endpoint", f"http://127.0.0.1:{server.getsockname()[1]}", "--timeout", "60")
        with contextlib.ExitStack() as stack:
            for _ in range(2):  # of the steps tcp and http
                stack.enter_context(server.accept()[0])
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


@pytest.mark.slow
def test_a_reader_that_has_gone_is_no_trouble() -> None:
    process = started("--no-send", "--endpoint", "http://127.0.0.1:9", "--timeout", "1")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(30), err) == (1, "")


def test_it_is_among_the_commands_of_typer(capsys: pytest.CaptureFixture[str], run: Doctor) -> None:
    from typer.testing import CliRunner

    from spanwire.cli import make_app

    listed = CliRunner().invoke(make_app(), ["--help"])
    assert "doctor" in listed.output
    with Sink() as sink:
        passed = CliRunner().invoke(make_app(), ["doctor", "--endpoint", sink.http_endpoint, "--json"])
        assert sink.span_count == 1
    assert passed.exit_code == 0
    assert json.loads(passed.stdout)["verdict"] == "ok"
    usage = CliRunner().invoke(make_app(), ["doctor", "--help"])
    assert "--no-send" in usage.output and usage.exit_code == 0


def test_the_text_says_what_to_do(run: Doctor) -> None:
    with Sink() as sink:
        sink.inject(status=401, message="who are you", times=None)
        found = run("--endpoint", sink.http_endpoint, as_json=False)
    assert "failed   http           status 401: no or wrong credentials; it says: who are you" in found.text
    assert "-> set the header that the receiver wants in OTEL_EXPORTER_OTLP_HEADERS" in found.text
    assert "verdict: failed" in found.text and OK not in found.text.encode()


def test_the_document_has_the_fields_of_its_schema(run: Doctor) -> None:
    with Sink() as sink:
        found = run("--endpoint", sink.http_endpoint).document
    assert found["schema"] == 1 and found["command"] == "spanwire doctor"
    assert set(found) == {*["command", "schema", "spanwire", "verdict", "summary", "destination", "seconds", "steps"]}
    for step in found["steps"]:
        assert set(step) == {"name", "outcome", "seconds", "findings", "details"}
        assert step["outcome"] in {"ok", "warning", "failed", "skipped"}
        for one in step["findings"]:
            assert set(one) == {"code", "level", "text", "cure"}
            assert one["code"].startswith(step["name"] + ".")
    (resolved,) = [step for step in found["steps"] if step["name"] == "configuration"]
    for one in resolved["details"]["settings"]:
        assert set(one) == {*["name", "topic", "value", "unit", "source", "from", "variables"]}
