"""The Sink object: its life, its counts, its waits."""

import errno
import os
import signal
import socket
import threading
from datetime import datetime, timezone

import pytest

from spanwire.sink import Fault, Sink
from tests.post import post, request


def test_sink_listens_from_start_to_close() -> None:
    sink = Sink()
    with pytest.raises(RuntimeError, match="not started"):
        _ = sink.http_endpoint
    assert repr(sink) == "<Sink, not started>"
    with sink:
        assert repr(sink) == f"<Sink at {sink.http_endpoint}>"
        assert post(sink).status == 200
        port = sink.port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    sink.close()
    assert [span.name for span in sink.spans()] == ["span 0"], "what was received stays readable"


def test_start_twice_is_one_start() -> None:
    sink = Sink()
    try:
        assert sink.start() is sink.start()
        assert post(sink).status == 200
        assert sink.span_count == 1
    finally:
        sink.close()


def test_endpoints_are_what_exporters_take(otlp_sink: Sink) -> None:
    assert otlp_sink.http_endpoint == f"http://127.0.0.1:{otlp_sink.port}"
    assert otlp_sink.traces_endpoint == f"{otlp_sink.http_endpoint}/v1/traces"
    assert (otlp_sink.grpc_endpoint, otlp_sink.grpc_port) == (otlp_sink.http_endpoint, otlp_sink.port)


@pytest.mark.parametrize("host, shown", [("::1", "[::1]"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]")])
def test_other_addresses_work(host: str, shown: str) -> None:
    with Sink(host) as sink:
        assert sink.http_endpoint == f"http://{shown}:{sink.port}"
        assert post(sink).status == 200


def test_two_sinks_are_apart() -> None:
    with Sink() as one, Sink() as two:
        one.inject(status=503)
        assert post(two, request(2)).status == 200
        assert post(one).status == 503
        assert (one.span_count, two.span_count) == (0, 2)


def test_taken_port_is_an_os_error_that_names_it(otlp_sink: Sink) -> None:
    with pytest.raises(OSError, match=f"can't listen on 127.0.0.1 port {otlp_sink.port}") as caught:
        Sink(port=otlp_sink.port).start()
    assert caught.value.errno == errno.EADDRINUSE


def test_unknown_host_is_an_os_error() -> None:
    with pytest.raises(OSError, match=r"can't listen on nowhere.invalid port 0"):
        Sink("nowhere.invalid").start()


@pytest.mark.parametrize(
    "name, value",
    [("port", -1), ("port", 65536), ("max_bytes", 0), ("max_request_bytes", -1), ("max_connections", 0)],
)
def test_option_out_of_range_is_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} must be"):
        Sink(**{name: value})  # type: ignore[arg-type]


def test_received_request_says_what_came_and_when(otlp_sink: Sink) -> None:
    before = datetime.now(timezone.utc).timestamp()
    post(otlp_sink, request(2))
    after = datetime.now(timezone.utc).timestamp()
    [received] = otlp_sink.requests()
    assert received.headers["content-length"] == str(len(request(2)))
    assert before <= received.received_at / 1e9 <= after + 1e-3
    assert [span.name for span in received.spans()] == ["span 0", "span 1"]
    assert repr(received).startswith(f"<ReceivedRequest: 2 spans, {len(request(2))} bytes")


def test_oldest_requests_are_forgotten_over_the_bound_yet_counted() -> None:
    with Sink(max_bytes=5000) as sink:
        for number in range(50):
            post(sink, request(name=str(number)))
        assert (sink.span_count, sink.request_count) == (50, 50)
        kept = [span.name for span in sink.spans()]
        assert kept == [f"{number} 0" for number in range(50 - len(kept), 50)]
        assert sink.forgotten_request_count == 50 - len(kept)
        assert 0 < len(kept) < 50


def test_clear_forgets_requests_and_counts_but_no_faults(otlp_sink: Sink) -> None:
    post(otlp_sink)
    otlp_sink.inject(status=503)
    otlp_sink.clear()
    assert (otlp_sink.span_count, otlp_sink.request_count, otlp_sink.attempt_count) == (0, 0, 0)
    assert (otlp_sink.spans(), otlp_sink.requests()) == ([], [])
    assert otlp_sink.pending_faults == 1


def test_wait_ends_when_enough_spans_are_there(otlp_sink: Sink) -> None:
    senders = [threading.Thread(target=post, args=(otlp_sink, request(5))) for _ in range(4)]
    for sender in senders:
        sender.start()
    otlp_sink.wait_for(20, timeout=20)
    for sender in senders:
        sender.join()
    assert otlp_sink.span_count == 20
    otlp_sink.wait_for(0, timeout=0)


def test_wait_in_vain_says_how_many_came(otlp_sink: Sink) -> None:
    otlp_sink.inject(status=500)
    post(otlp_sink)
    post(otlp_sink, request(3))
    with pytest.raises(
        TimeoutError, match=r"3 of 4 spans came, in 1 requests \(1 more were not accepted\), within 0.01 s"
    ):
        otlp_sink.wait_for(4, timeout=0.01)


def test_wait_ends_when_the_sink_is_closed(otlp_sink: Sink) -> None:
    closer = threading.Timer(0.05, otlp_sink.close)
    closer.start()
    with pytest.raises(RuntimeError, match=r"closed after .* of waiting: 0 of 1 spans came"):
        otlp_sink.wait_for(1, timeout=60)
    closer.join()


@pytest.mark.parametrize("timeout", [-1.0, float("nan")])
def test_wait_refuses_what_is_no_time(otlp_sink: Sink, timeout: float) -> None:
    with pytest.raises(ValueError, match="timeout must be seconds"):
        otlp_sink.wait_for(1, timeout)


def test_ctrl_c_interrupts_a_wait(otlp_sink: Sink) -> None:
    interrupter = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))

    def wait() -> None:
        interrupter.start()  # not before it is expected, or it ends the whole run
        otlp_sink.wait_for(1, timeout=60)

    with pytest.raises(KeyboardInterrupt):
        wait()
    interrupter.join()


def test_wait_lets_other_threads_run(otlp_sink: Sink) -> None:
    waiter = threading.Thread(target=otlp_sink.wait_for, args=(1, 60))
    waiter.start()
    post(otlp_sink)
    waiter.join()


@pytest.mark.parametrize(
    "fault, message",
    [
        ({"status": 199}, "status must be from 200 to 599"),
        ({"delay": -1}, "delay must be 0 or more"),
        ({"chunk_delay": float("inf")}, "chunk_delay must be"),
        ({"rejected": -1}, "rejected must be"),
        ({"chunk_size": 0}, "chunk_size must be 1 or more"),
        ({"disconnect": "rudely"}, "disconnect must be one of close, reset"),
        ({"disconnect": "close", "stage": "soon"}, "stage must be one of connect"),
        ({"stage": "answer"}, "stage 'answer' says when a disconnect happens"),
        ({"disconnect": "goaway", "stage": "connect"}, "'goaway' needs a request"),
        ({"disconnect": "close", "stage": "headers", "keep": True}, "keep needs a request that is read"),
        ({"grpc_status": -1}, "grpc_status must be from 0 to 2147483647"),
        ({"error_code": 1 << 32}, "error_code must be from 0 to 4294967295"),
        ({"retry_delay": -1}, "retry_delay must be 0 or more"),
    ],
)
def test_fault_out_of_range_is_refused(fault: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault(**fault)  # type: ignore[arg-type]


def test_fault_and_fields_together_are_refused(otlp_sink: Sink) -> None:
    with pytest.raises(ValueError, match="not both"):
        otlp_sink.inject(Fault(status=503), delay=1)
    with pytest.raises(ValueError, match="times must be 0 or more"):
        otlp_sink.inject(status=503, times=-1)
    assert otlp_sink.pending_faults == 0
