"""A server of grpcio's that takes spans, as independent of ours as can be: what it got, and what it answers."""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

__all__ = ["Call", "GrpcServer", "serve"]


@dataclass(frozen=True)
class Call:
    """One that arrived."""

    request: Any
    metadata: dict[str, Any]
    seconds_left: float
    peer: str

    def names(self) -> list[str]:
        """Of its spans."""
        return [
            span.name for group in self.request.resource_spans for scope in group.scope_spans for span in scope.spans
        ]


@dataclass
class GrpcServer(trace_service_pb2_grpc.TraceServiceServicer):
    """Answers each call by ``answer``, or with a full success."""

    calls: list[Call] = field(default_factory=list)
    answer: Callable[[grpc.ServicerContext], Any] | None = None
    port: int = 0

    @property
    def target(self) -> str:
        """For ``endpoint=``."""
        return f"localhost:{self.port}"

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:
        """What grpcio calls."""
        metadata = {item.key: item.value for item in context.invocation_metadata()}
        self.calls.append(Call(request, metadata, context.time_remaining(), context.peer()))
        answer = None if self.answer is None else self.answer(context)
        return trace_service_pb2.ExportTraceServiceResponse() if answer is None else answer

    def names(self) -> list[str]:
        """Of all spans that arrived."""
        return [name for call in self.calls for name in call.names()]


@contextmanager
def serve(
    server: GrpcServer | None = None,
    *,
    address: str = "127.0.0.1",
    port: int = 0,
    credentials: grpc.ServerCredentials | None = None,
    options: tuple[tuple[str, Any], ...] = (),
) -> Generator[GrpcServer, None, None]:
    """Serves as long as it lasts; then calls under way have a second."""
    server = GrpcServer() if server is None else server
    runner = grpc.server(ThreadPoolExecutor(8), options=(("grpc.so_reuseport", 0), *options))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(server, runner)  # type: ignore[no-untyped-call]
    where = address if address.startswith("unix:") else f"{address}:{port}"
    server.port = runner.add_insecure_port(where) if credentials is None else runner.add_secure_port(where, credentials)
    runner.start()
    try:
        yield server
    finally:
        runner.stop(1).wait()
