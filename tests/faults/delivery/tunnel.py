"""Two networks with nothing between them but a thread that carries packets, late, out of order, twice or not at all.

What netem does, where the kernel has none: each network is a namespace with one interface, whose packets this process reads and writes
(`/dev/net/tun`). TCP of the kernel repairs it, as on a bad line. Needs root.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Tunnel"]

_T = TypeVar("_T")
CLONE_NEWNET = 0x4000_0000
TUNSETIFF = 0x4004_54CA
TUN_WITHOUT_HEADER = 0x1001
SERVICE, BACKEND = "198.18.0.1", "198.18.0.2"  # of a range that no network has
PACKET = 1 << 16


class Tunnel:
    """A context manager. Draws what happens to each packet; which packets there are, the kernel decides.

    :param late: seconds by which a packet is late, from and to.
    :param lost: share of packets that do not arrive.
    :param doubled: share of those that arrive twice.
    :raises OSError: in ``with``, where this user may not make networks.
    """

    backend = BACKEND

    def __init__(self, rng: random.Random, *, late: tuple[float, float], lost: float, doubled: float) -> None:
        self._rng, self._late, self._lost, self._doubled = rng, late, lost, doubled
        self._interfaces: list[int] = []
        self._networks: list[int] = []
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._carry, name="tunnel")
        self.carried = self.lost = self.doubled = 0
        """Packets."""

    def __enter__(self) -> "Self":
        try:
            for address in (SERVICE, BACKEND):
                in_a_thread(lambda address=address: self._network(address))  # type: ignore[misc]  # bound at once
        except BaseException:
            self._close()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.write(self._stopped, b"x")
        self._thread.join()
        self._close()

    def prefix(self) -> list[str]:
        """The command that enters the service's network."""
        return ["nsenter", f"--net=/proc/{os.getpid()}/fd/{self._networks[0]}"]

    def listening(self, port: int) -> socket.socket:
        """A socket that is bound in the backend's network, to be listened on here; 0: any port."""

        def bound() -> socket.socket:
            _checked(_LIBC.setns(self._networks[1], CLONE_NEWNET))
            made = socket.socket()
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((BACKEND, port))
            return made

        return in_a_thread(bound)

    def _network(self, address: str) -> None:
        _checked(_LIBC.unshare(CLONE_NEWNET))
        interface = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        self._interfaces.append(interface)
        fcntl.ioctl(interface, TUNSETIFF, struct.pack("16sH22x", b"line", TUN_WITHOUT_HEADER))
        self._networks.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        for command in (f"addr add {address}/30 dev line", "link set lo up", "link set line up"):
            if (ran := subprocess.run(["ip", *command.split()], capture_output=True, text=True)).returncode:
                raise OSError(f"ip {command}: {ran.stderr}")

    def _carry(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []  # due, its number, where to, the packet
        other = dict(zip(self._interfaces, reversed(self._interfaces), strict=True))
        while True:
            timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            ready, _, _ = select.select([self._stop, *self._interfaces], [], [], timeout)
            if self._stop in ready:
                return
            for interface in ready:
                packet = os.read(interface, PACKET)
                for _ in range(self._copies()):
                    self.carried += 1
                    due = time.monotonic() + self._rng.uniform(*self._late)
                    heapq.heappush(waiting, (due, self.carried, other[interface], packet))
            while waiting and waiting[0][0] <= time.monotonic():
                _, _, to, packet = heapq.heappop(waiting)
                os.write(to, packet)

    def _copies(self) -> int:
        drawn = self._rng.random()
        if drawn < self._lost:
            self.lost += 1
            return 0
        if drawn < self._lost + self._doubled:
            self.doubled += 1
            return 2
        return 1

    def _close(self) -> None:
        for file in (*self._interfaces, *self._networks, self._stop, self._stopped):
            os.close(file)


_LIBC = ctypes.CDLL(None, use_errno=True)


def _checked(status: int) -> None:
    if status:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def in_a_thread(work: Callable[[], _T]) -> _T:
    """In one that ends with it, since it leaves its network."""
    done: list[_T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]
