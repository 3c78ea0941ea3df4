"""The network between a service and its backend, which can be spoilt: a TCP proxy in a thread of its own."""

import asyncio
import random
import socket
import struct
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Wire"]

_T = TypeVar("_T")
LINGER = struct.pack("ii", 1, 0)  # closing resets
PIECE = 1 << 16


@dataclass(frozen=True)
class Quality:
    """What happens to connections from now on."""

    delay: float = 0.0
    """Seconds by which each byte is late, each way."""
    bytes_a_second: float | None = None
    """Towards the backend, byte by byte."""
    reset_after: int | None = None
    """The connection is reset once so many bytes of it went to the backend; 0: at once."""
    reset_answer_after: int | None = None
    """It is reset once so many bytes of the answers came; 0: instead of the answer."""
    jitter: float = 0.0
    """Seconds by which each piece is late at most, each way; drawn."""
    pieces: int | None = None
    """What comes goes on in pieces of so many bytes at most; drawn."""
    ends_within: int | None = None
    """The connection ends somewhere in its first so many bytes of requests, or a fiftieth as many of answers, in order or by a reset; drawn."""
    is_hole: bool = False
    """Nothing gets through, and nobody says so."""


class Wire:
    """Listens on a port that stays the same, and forwards to a backend that may change. A context manager.

    What is established goes by the quality of its beginning, except for :meth:`forget`.

    :param bound: makes the socket to listen on, of a port.
    :param rng: for what is drawn.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        bound: Callable[[int], socket.socket] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._host = host
        self._bound = bound or self._bound_here
        self._rng = rng or random.Random(0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire")
        self._quality = Quality()
        self._target: Callable[[], int] | None = None
        self._server: asyncio.Server | None = None
        self._held: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._forgotten = 0
        self._forgotten_answers = 0
        self.connections = 0
        self.port = port

    def __enter__(self) -> "Self":
        self._thread.start()
        self._held = self._bound(self.port)
        self.port = int(self._held.getsockname()[1])
        return self

    def __exit__(self, *_: object) -> None:
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def lead_to(self, target: Callable[[], int]) -> None:
        """Forward to the port that ``target`` says at the time of each connection."""
        self._target = target

    def open(self, **quality: Any) -> None:
        """Take connections of this quality: see :class:`Quality`."""
        self._quality = replace(Quality(), **quality)
        self._do(self._listen())

    def refuse(self) -> None:
        """Refuse connections and reset those that are there. The port stays ours."""
        self._do(self._refuse())

    def forget(self) -> None:
        """As a NAT does that has lost its table: what is established leads nowhere, and nobody is told."""
        self._forgotten = self.connections

    def forget_answers(self) -> None:
        """The same, for what the backend says: it goes on to get what is sent."""
        self._forgotten_answers = self.connections

    def reset(self) -> None:
        """Reset all connections."""
        self._do(self._drop_all())

    # --- in the loop's thread

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _bound_here(self, port: int) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((self._host, port))
        return made

    async def _listen(self) -> None:
        if self._server is None:
            assert self._held is not None
            self._server = await asyncio.start_server(self._take, sock=self._held, limit=PIECE)
            self._held = None

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
            self._held = await self._bound_again(self.port)  # bound without listening: refused
        await self._drop_all()

    async def _bound_again(self, port: int) -> socket.socket:
        """For a moment it is nobody's: a client of another test may have it as its own meanwhile, and lets it go."""
        for _ in range(200):
            with suppress(OSError):
                return self._bound(port)
            await asyncio.sleep(0.1)
        return self._bound(port)

    async def _drop_all(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        if self._held is not None:
            self._held.close()
        await self._drop_all()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._carry(self.connections, reader, writer, self._quality)
        except (OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            _reset(writer)

    async def _carry(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, quality: Quality
    ) -> None:
        if quality.reset_after == 0:
            return
        if quality.is_hole:
            await asyncio.Event().wait()
        ends_in_order = False
        if (most := quality.ends_within) is not None:
            if self._rng.random() < 0.5:
                quality = replace(quality, reset_after=self._rng.randint(1, most))
            else:
                quality = replace(quality, reset_answer_after=self._rng.randint(1, most // 50))
            ends_in_order = self._rng.random() < 0.5
        assert self._target is not None
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._target())
        try:
            to_backend = self._pump(
                lambda: number <= self._forgotten, reader, back_writer, quality, quality.reset_after
            )
            back = self._pump(
                lambda: number <= max(self._forgotten, self._forgotten_answers),
                back_reader,
                writer,
                replace(quality, bytes_a_second=None),
                quality.reset_answer_after,
            )
            ways = [asyncio.ensure_future(way) for way in (to_backend, back)]
            try:
                done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                if any(way.result() for way in done):
                    if ends_in_order:
                        writer.close()
                    return  # reset
                # One side has ended its direction in order; the other may have more to say.
                await asyncio.wait(ways, timeout=5)
                writer.close()
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            _reset(back_writer)

    async def _pump(
        self,
        is_forgotten: Callable[[], bool],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        quality: Quality,
        reset_after: int | None,
    ) -> bool:
        """True: the connection is to end here. False: this direction has ended in order."""
        passed = 0
        bytes_a_second = quality.bytes_a_second
        pieces = _late(reader, quality.delay) if quality.delay else _read(reader, self._most(quality))
        async for piece in pieces:
            if quality.jitter:
                await asyncio.sleep(self._rng.uniform(0, quality.jitter))
            if is_forgotten():
                await asyncio.Event().wait()  # for ever
            if reset_after is not None and passed + len(piece) >= reset_after:
                writer.write(piece[: reset_after - passed])
                await writer.drain()
                return True
            writer.write(piece)
            await writer.drain()
            passed += len(piece)
            if bytes_a_second:
                await asyncio.sleep(1 / bytes_a_second)
        if writer.can_write_eof():
            writer.write_eof()
        return False

    def _most(self, quality: Quality) -> Callable[[], int]:
        """Bytes of the next piece."""
        if quality.bytes_a_second:
            return lambda: 1
        most = quality.pieces
        return (lambda: PIECE) if most is None else (lambda: self._rng.randint(1, most))


async def _read(reader: asyncio.StreamReader, most: Callable[[], int]) -> AsyncGenerator[bytes, None]:
    while piece := await reader.read(most()):
        yield piece


async def _late(reader: asyncio.StreamReader, delay: float) -> AsyncGenerator[bytes, None]:
    """Each piece so many seconds after it came, however many are on their way."""
    loop = asyncio.get_running_loop()
    on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def take() -> None:
        try:
            async for piece in _read(reader, lambda: PIECE):
                on_the_way.put_nowait((loop.time() + delay, piece))
        finally:
            on_the_way.put_nowait((loop.time() + delay, b""))

    taking = asyncio.ensure_future(take())
    try:
        while True:
            due, piece = await on_the_way.get()
            await asyncio.sleep(due - loop.time())
            if not piece:
                return
            yield piece
    finally:
        taking.cancel()


def _reset(writer: asyncio.StreamWriter) -> None:
    transport = writer.transport
    if not transport.is_closing():
        made = transport.get_extra_info("socket")
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
        transport.abort()
