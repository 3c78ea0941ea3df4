"""Runs a program whose system calls that write to a disk take longer, by a filter of seccomp whose listener answers late.

    python -m benches.slow_disk --delay 0.2 -- PROGRAM [ARGUMENT ...]

The kernel stops each thread of the program, and of its children, at such a call, whoever makes it: the C library, or Rust without it. The
listener lets it go on after the delay. It needs no privilege, and Linux 5.5 on x86-64 or aarch64. The status is the program's; the last line on
the standard error says how many calls were delayed.
"""

import argparse
import ctypes
import fcntl
import os
import platform
import select
import socket
import struct
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

__all__ = ["is_supported", "main"]

# fsync, fdatasync, fallocate, msync, ftruncate; rename, mkdir and unlink, and their variants with a directory.
CALLS = {
    "x86_64": (0xC000003E, 317, (74, 75, 285, 26, 77, 82, 264, 316, 83, 258, 87, 263)),
    "aarch64": (0xC00000B7, 277, (82, 83, 47, 227, 46, 38, 276, 34, 35)),
}
SET_FILTER, NEW_LISTENER = 1, 1 << 3
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
NO_NEW_PRIVILEGES = 38
# struct seccomp_notif (80 bytes) and struct seccomp_notif_resp (24 bytes).
RECEIVE, SEND = 0xC0502100, 0xC0182101
GO_ON = 1


class _Program(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def is_supported() -> bool:
    """Whether there is such a filter on this machine: tried in a child, which keeps it."""
    if platform.machine() not in CALLS:
        return False
    if (child := os.fork()) == 0:
        try:
            _listen()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _listen() -> int:
    """Installs the filter for this thread and what it begins; the listener's descriptor."""
    architecture, seccomp, calls = CALLS[platform.machine()]
    load, jump, answer = 0x20, 0x15, 0x06
    steps = [(load, 0, 0, 4), (jump, 0, len(calls) + 1, architecture), (load, 0, 0, 0)]
    steps += [(jump, len(calls) - at, 0, call) for at, call in enumerate(calls)]
    steps += [(answer, 0, 0, ALLOW), (answer, 0, 0, NOTIFY)]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    c = ctypes.CDLL(None, use_errno=True)
    program = _Program(len(steps), code)
    if c.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    listener: int = c.syscall(seccomp, SET_FILTER, NEW_LISTENER, ctypes.byref(program))
    if listener < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return listener


def _delay(listener: int, delay: float, program: int) -> "tuple[int, int]":
    """Lets each call go on after the delay, until the program has ended; its status, and how many calls there were."""
    calls = 0

    def go_on(call: int) -> None:
        time.sleep(delay)
        with suppress(OSError):  # whoever made it was killed
            fcntl.ioctl(listener, SEND, struct.pack("QqiI", call, 0, 0, GO_ON))

    polled = select.poll()
    polled.register(listener, select.POLLIN)
    while True:
        events = polled.poll(50)
        if events and events[0][1] & select.POLLIN:
            with suppress(OSError):  # whoever made it was killed
                (call,) = struct.unpack_from("Q", fcntl.ioctl(listener, RECEIVE, bytes(80)))
                calls += 1
                threading.Thread(target=go_on, args=(call,), daemon=True).start()
            continue
        ended, status = os.waitpid(program, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status), calls
        if events:  # nobody has the filter any more: it is about to end
            time.sleep(0.01)


def run(arguments: Sequence[str], delay: float) -> "tuple[int, int]":
    """Runs a program so; its status, and how many calls were delayed."""
    ours, its = socket.socketpair()
    if (program := os.fork()) == 0:
        listener = _listen()
        socket.send_fds(its, [b"."], [listener])
        os.close(listener)
        os.execvp(arguments[0], list(arguments))
    its.close()
    _, (listener, *_), _, _ = socket.recv_fds(ours, 1, 1)
    return _delay(listener, delay, program)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=float, default=0.2, help="seconds; default: %(default)s")
    parser.add_argument("program", nargs="+")
    asked = parser.parse_args()
    status, calls = run(asked.program, asked.delay)
    print(f"{calls} calls were delayed by {asked.delay:g} s each", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
