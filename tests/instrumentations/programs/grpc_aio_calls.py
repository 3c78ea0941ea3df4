"""A server and a client of gRPC's asynchronous half in one loop."""

import asyncio
from collections.abc import AsyncIterator

import grpc
from opentelemetry import trace

tracer = trace.get_tracer("shop")
SERVICE = "shop.Orders"
never = asyncio.Event()


async def order(request: bytes, call: grpc.aio.ServicerContext) -> bytes:
    with tracer.start_as_current_span("reserve"):
        await asyncio.sleep(0)
        trace.get_current_span().set_attribute("length", len(request))
    return request.upper()


async def fail(request: bytes, call: grpc.aio.ServicerContext) -> bytes:
    await call.abort(grpc.StatusCode[request.decode()], "as asked")


async def broken(request: bytes, call: grpc.aio.ServicerContext) -> bytes:
    with tracer.start_as_current_span("stock"):
        raise LookupError("no umbrella left")


async def hangs(request: bytes, call: grpc.aio.ServicerContext) -> bytes:
    await never.wait()
    return b""


async def lines(request: bytes, call: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
    for number in range(int(request)):
        with tracer.start_as_current_span("line"):
            await asyncio.sleep(0)
        yield b"%d" % number


async def total(requests: AsyncIterator[bytes], call: grpc.aio.ServicerContext) -> bytes:
    return b"%d" % sum([int(one) async for one in requests])


async def echo(requests: AsyncIterator[bytes], call: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
    async for one in requests:
        yield one


HANDLERS = {
    "Order": grpc.unary_unary_rpc_method_handler(order),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "Broken": grpc.unary_unary_rpc_method_handler(broken),
    "Hangs": grpc.unary_unary_rpc_method_handler(hangs),
    "Lines": grpc.unary_stream_rpc_method_handler(lines),
    "Total": grpc.stream_unary_rpc_method_handler(total),
    "Echo": grpc.stream_stream_rpc_method_handler(echo),
}


async def several(*texts: bytes) -> AsyncIterator[bytes]:
    for text in texts:
        yield text


async def ask(channel: grpc.aio.Channel) -> None:
    order_call = channel.unary_unary(f"/{SERVICE}/Order")
    print(await order_call(b"umbrella", timeout=30))
    for name, request in (("Fail", b"RESOURCE_EXHAUSTED"), ("Fail", b"NOT_FOUND"), ("Broken", b""), ("Nothing", b"")):
        try:
            await channel.unary_unary(f"/{SERVICE}/{name}")(request, timeout=30)
        except grpc.RpcError as error:
            print(name, error.code(), error.details())
    with tracer.start_as_current_span("all at once"):
        print(await asyncio.gather(*(order_call(b"%d" % number, timeout=30) for number in range(6))))
    print([one async for one in channel.unary_stream(f"/{SERVICE}/Lines")(b"3", timeout=30)])
    print(await channel.stream_unary(f"/{SERVICE}/Total")(several(b"1", b"2"), timeout=30))
    print([one async for one in channel.stream_stream(f"/{SERVICE}/Echo")(several(b"a", b"b"), timeout=30)])
    try:
        await channel.unary_unary(f"/{SERVICE}/Hangs")(b"", timeout=2)
    except grpc.RpcError as error:
        print(error.code())


async def main() -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, HANDLERS)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        await ask(channel)
    never.set()
    await server.stop(5)


if __name__ == "__main__":
    asyncio.run(main())
