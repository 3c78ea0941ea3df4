"""Faults that a test orders: how a request is answered instead of as it should be."""

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Literal, get_args

__all__ = ["Disconnect", "Fault", "Stage", "default_code", "retry_after_text"]

Disconnect = Literal[
    "close", "reset", "half-close", "truncate", "goaway", "goaway-after", "reset-stream", "stall", "freeze"
]
"""Ways to end a connection, or one request of it, badly; :class:`Fault` says what each is."""

Stage = Literal["connect", "headers", "body", "answer"]
"""When: as the next connection is made, when a request's headers came, when it came whole, inside the answer."""


@dataclass(frozen=True, slots=True)
class Fault:
    """How a request is answered instead of as it should be; times are in seconds.

    :param status: HTTP status of the answer, 200 to 599. From 300 on the body is a ``google.rpc.Status``. A call of gRPC is
        answered as by a proxy that knows no gRPC.
    :param delay: time between the request's last byte and the answer.
    :param retry_after: the Retry-After header: seconds, or a time that is sent as an HTTP date.
    :param grpc_status: this status of gRPC, in an answer that is trailers only (but for ``body`` or ``body_size``). HTTP
        requests are answered as they should be.
    :param retry_delay: seconds in the ``RetryInfo`` of such a status (``grpc-status-details-bin``).
    :param content_type: the answer's Content-Type.
    :param disconnect: ``"close"`` ends the connection without an answer, ``"reset"`` resets it (RST), ``"half-close"``
        ends our direction and reads on, ``"truncate"`` sends an answer whose promised body is cut. ``"goaway"`` says by
        GOAWAY that no request was taken and ends the connection, ``"goaway-after"`` lets this request be answered
        first, ``"reset-stream"`` ends the request alone, by RST_STREAM; on HTTP/1.1, which has neither, the connection
        is closed instead. ``"stall"`` never reads the request's body nor answers it, so the client's window stays
        full; ``"freeze"`` neither reads nor writes anything of the connection any more, pings included, for a minute.
    :param stage: when the disconnect happens: ``"connect"``, as soon as the next connection is made (no request takes
        such a step), ``"headers"``, before the body is read, ``"body"``, when the request came whole, ``"answer"``, when
        half of the answer is sent.
    :param error_code: of GOAWAY and RST_STREAM; by default 0 (NO_ERROR) and 2 (INTERNAL_ERROR).
    :param body: these bytes as the answer's body, whatever they are.
    :param body_size: the answer's body is filled up to this many bytes.
    :param chunk_size: the answer's body comes in pieces of this many bytes …
    :param chunk_delay: … with this time before each.
    :param rejected: so many items are reported as rejected (a partial success): the last ones of the request, which
        are then neither counted nor in ``Sink.spans()``, ``Sink.logs()`` …
    :param message: the text of the partial success or of the status.
    :param keep: whether the request counts as received. By default as the answer says: it does if a 2xx arrives.
        ``keep=True`` with a disconnect is an acknowledgement that gets lost.
    :raises ValueError: if a value is out of its range.
    """

    status: int | None = None
    delay: float = 0.0
    retry_after: float | datetime | None = None
    disconnect: Disconnect | None = None
    body: bytes | None = None
    body_size: int | None = None
    chunk_size: int | None = None
    chunk_delay: float = 0.0
    rejected: int = 0
    message: str | None = None
    keep: bool | None = None
    stage: Stage = "body"
    error_code: int | None = None
    grpc_status: int | None = None
    retry_delay: float | None = None
    content_type: str | None = None

    def __post_init__(self) -> None:
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError(f"status must be from 200 to 599, not {self.status}")
        if self.disconnect not in (None, *get_args(Disconnect)):
            raise ValueError(f"disconnect must be one of {', '.join(get_args(Disconnect))}, not {self.disconnect!r}")
        if self.stage not in get_args(Stage):
            raise ValueError(f"stage must be one of {', '.join(get_args(Stage))}, not {self.stage!r}")
        if self.disconnect is None and self.stage != "body":
            raise ValueError(f"stage {self.stage!r} says when a disconnect happens: give disconnect")
        if self.stage == "connect" and self.disconnect in ("truncate", "goaway", "goaway-after", "reset-stream"):
            raise ValueError(f"disconnect {self.disconnect!r} needs a request: it can't be at stage 'connect'")
        if self.keep and (self.stage in ("connect", "headers") or self.disconnect == "stall"):
            raise ValueError("keep needs a request that is read: not at stage 'connect' or 'headers', not with 'stall'")
        for name, most in (("error_code", 0xFFFF_FFFF), ("grpc_status", 0x7FFF_FFFF)):
            value = getattr(self, name)
            if value is not None and not 0 <= value <= most:
                raise ValueError(f"{name} must be from 0 to {most}, not {value}")
        for name in ("delay", "chunk_delay", "rejected", "body_size", "retry_delay"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                raise ValueError(f"{name} must be 0 or more, not {value}")
        if self.chunk_size is not None and self.chunk_size < 1:
            raise ValueError(f"chunk_size must be 1 or more, not {self.chunk_size}")


def retry_after_text(value: float | datetime) -> str:
    """The Retry-After header for seconds or a time."""
    if isinstance(value, datetime):
        from email.utils import format_datetime

        return format_datetime(value.astimezone(timezone.utc), usegmt=True)
    return f"{value:g}"


def default_code(disconnect: Disconnect | None) -> int:
    """The code of GOAWAY and RST_STREAM where none is given."""
    return 0 if disconnect in ("goaway", "goaway-after") else 2
