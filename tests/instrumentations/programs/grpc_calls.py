"""A server and a client of gRPC without protobuf: unary and streaming calls, errors, deadlines, cancelled ones, many at once."""

import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
from opentelemetry import baggage, context, trace

tracer = trace.get_tracer("shop")
SERVICE = "shop.Orders"
waiting = threading.Event()
done = threading.Event()


def order(request: bytes, call: grpc.ServicerContext) -> bytes:
    with tracer.start_as_current_span("reserve") as span:
        span.set_attribute("length", len(request))
    return request.upper() + str(baggage.get_baggage("tenant")).encode()


def fail(request: bytes, call: grpc.ServicerContext) -> bytes:
    code = grpc.StatusCode[request.decode()]
    trace.get_current_span().add_event("fails", {"code": code.name})
    call.abort(code, f"as asked: {code.name}")


def set_code(request: bytes, call: grpc.ServicerContext) -> bytes:
    call.set_code(grpc.StatusCode.NOT_FOUND)
    call.set_details("not here")
    return b""


def broken(request: bytes, call: grpc.ServicerContext) -> bytes:
    with tracer.start_as_current_span("stock"):
        raise LookupError("no umbrella left")


def hangs(request: bytes, call: grpc.ServicerContext) -> bytes:
    done.wait(20)
    return b""


def lines(request: bytes, call: grpc.ServicerContext) -> Iterator[bytes]:
    for number in range(int(request)):
        with tracer.start_as_current_span("line"):
            yield b"%d" % number
    if int(request) > 3:
        # When who asked waits already: where its error is raised depends on that.
        waiting.wait(20)
        until = time.monotonic() + 20
        while not waits(threading.main_thread()) and time.monotonic() < until:
            time.sleep(0.02)
        raise ValueError("too many")


def waits(thread: threading.Thread) -> bool:
    frame = sys._current_frames()[thread.ident]
    return (frame.f_code.co_filename, frame.f_code.co_name) == (threading.__file__, "wait")


def total(requests: Iterator[bytes], call: grpc.ServicerContext) -> bytes:
    return b"%d" % sum(int(one) for one in requests)


def echo(requests: Iterator[bytes], call: grpc.ServicerContext) -> Iterator[bytes]:
    for one in requests:
        with tracer.start_as_current_span("echo"):
            yield one


HANDLERS = {
    "Order": grpc.unary_unary_rpc_method_handler(order),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "SetCode": grpc.unary_unary_rpc_method_handler(set_code),
    "Broken": grpc.unary_unary_rpc_method_handler(broken),
    "Hangs": grpc.unary_unary_rpc_method_handler(hangs),
    "Lines": grpc.unary_stream_rpc_method_handler(lines),
    "Total": grpc.stream_unary_rpc_method_handler(total),
    "Echo": grpc.stream_stream_rpc_method_handler(echo),
}


def told(error: grpc.RpcError) -> None:
    print(error.code(), error.details())


def ask(channel: grpc.Channel) -> None:
    def unary(name: str) -> grpc.UnaryUnaryMultiCallable:
        return channel.unary_unary(f"/{SERVICE}/{name}")

    print(unary("Order")(b"umbrella", timeout=30))
    print(unary("Order")(b"umbrella", timeout=30, metadata=[("x-team", "tests")]))
    for name, request in (("Fail", b"UNAVAILABLE"), ("Fail", b"INVALID_ARGUMENT"), ("SetCode", b""), ("Broken", b"")):
        try:
            unary(name)(request, timeout=30)
        except grpc.RpcError as error:
            told(error)
    try:
        unary("Nothing")(b"", timeout=30)
    except grpc.RpcError as error:
        told(error)
    with tracer.start_as_current_span("basket"):
        token = context.attach(baggage.set_baggage("tenant", "acme"))
        print(unary("Order")(b"inner", timeout=30))
        answer, call = unary("Order").with_call(b"with call", timeout=30)
        print(answer, call.code())
        future = unary("Order").future(b"later", timeout=30)
        print(future.result())
        context.detach(token)
    print(list(channel.unary_stream(f"/{SERVICE}/Lines")(b"3", timeout=30)))
    try:
        for line in channel.unary_stream(f"/{SERVICE}/Lines")(b"4", timeout=30):
            print(line)
            if line == b"3":
                waiting.set()
    except grpc.RpcError as error:
        told(error)
    print(channel.stream_unary(f"/{SERVICE}/Total")(iter([b"1", b"2"]), timeout=30))
    print(list(channel.stream_stream(f"/{SERVICE}/Echo")(iter([b"a", b"b"]), timeout=30)))
    try:
        unary("Hangs")(b"", timeout=2)
    except grpc.RpcError as error:
        print(error.code())
    with ThreadPoolExecutor(4) as pool:
        print(sorted(pool.map(lambda number: unary("Order")(b"%d" % number, timeout=30), range(8))))


def main() -> None:
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, HANDLERS)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        ask(channel)
        done.set()
    server.stop(5).wait()


if __name__ == "__main__":
    main()
