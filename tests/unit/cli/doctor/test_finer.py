"""Parts of the finer findings: times that servers tell, whose certificate has ended, requests that only fill."""

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from spanwire.cli._doctor import _probe
from spanwire.cli._doctor._certificate import Certificate
from spanwire.cli._doctor._model import Step
from spanwire.cli._doctor.steps import tls
from spanwire.cli._doctor.steps.limits import padded

NOW = datetime.now(timezone.utc)
# Sun, 06 Nov 1994 08:49:37 GMT
TOLD = 784_111_777.0


@pytest.mark.parametrize(
    ("begin", "end", "skew"),
    [
        (TOLD, TOLD + 0.5, 0.0),
        (TOLD + 0.9, TOLD + 1.2, 0.0),
        (TOLD - 0.5, TOLD + 0.1, 0.0),
        (TOLD + 11, TOLD + 12, 10.0),
        (TOLD - 12, TOLD - 10, -10.0),
    ],
)
def test_the_skew_is_the_least_that_fits(begin: float, end: float, skew: float) -> None:
    head = b"HTTP/1.1 404 Not Found\r\nServer: x\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nDate: never"
    assert _probe._skew(head, begin, end) == pytest.approx(skew)


@given(st.binary() | st.binary().map(lambda value: b"HTTP/1.1 200 OK\r\nDate: " + value + b"\r\n\r\n"))
def test_any_answer_is_read(data: bytes) -> None:
    assert _probe._spoken(data) in {"", "http", "http2", "tls", "other"}
    assert isinstance(_probe._skew(data, 1.0, 2.0), float | None)


def certificate(subject: str, begins: float, ends: float) -> Certificate:
    return Certificate(subject, "CN=root", (), NOW + timedelta(days=begins), NOW + timedelta(days=ends), False)


@pytest.mark.parametrize(
    ("chain", "is_early", "skew", "text"),
    [
        ([("CN=own", -9, -1)], False, "", "the server's certificate has ended"),
        (
            [("CN=own", -9, 9), ("CN=between", -9, -1)],
            False,
            "",
            "the certificate of CN=between, which the server's chain needs, has",
        ),
        ([("CN=own", 2, 9)], True, "3 h behind the server's", "by the clock of this machine, which is 3 h behind"),
        ([], False, "", "the server's certificate has ended"),
    ],
)
def test_whose_time_is_over_is_said(
    chain: list[tuple[str, float, float]], is_early: bool, skew: str, text: str
) -> None:
    context: Any = SimpleNamespace(certificate_chain=[certificate(*one) for one in chain], skew=lambda: skew)
    step = Step("tls")
    tls._out_of_time(context, step, is_early=is_early, seen="")
    (finding,) = step.findings
    assert finding.code == f"tls.{'not_yet' if is_early else 'expired'}" and text in finding.text
    assert (finding.cure == "set this machine's clock") == bool(skew)


@given(st.integers(200, 300_000))
def test_a_request_that_only_fills_has_its_size_and_no_span(size: int) -> None:
    data = padded(size)
    assert abs(len(data) - size) <= 8  # lengths of lengths
    request = ExportTraceServiceRequest.FromString(data)
    (resource,) = request.resource_spans
    assert not resource.scope_spans and resource.resource.attributes[0].key == "spanwire.doctor.padding"
