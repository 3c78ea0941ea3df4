"""Files that appear when they are complete, and the standard streams, which may be closed."""

import contextlib
import errno
import os
import secrets
import shutil
import stat
import sys
from pathlib import Path
from typing import IO, TextIO

__all__ = ["NewFile", "standard_input", "standard_output"]


class NewFile:
    """A file to write, which appears under its name when it is closed as complete.

    :param place: a path, or ``-`` for standard output. That, devices and pipes are written as they are.
    :param force: replace a file that is there.
    :raises FileExistsError: if there is one, and ``force`` is not given.
    :raises OSError: if it cannot be opened.
    """

    def __init__(self, place: str, *, force: bool = False) -> None:
        self.file: IO[bytes]
        """What to write to."""
        self._force = force
        self._path: Path | None = None
        self._temporary: Path | None = None
        if place == "-":
            self.file = standard_output()
            return
        self._path = Path(os.path.realpath(place))  # what a link leads to is replaced, not the link
        self._check()
        if self._path.exists() and not self._path.is_file():
            self.file = self._path.open("wb")  # a device or a pipe
        else:
            self._temporary = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}.part")
            self.file = os.fdopen(self._create(self._temporary), "wb")

    @property
    def is_file(self) -> bool:
        """Whether it is a file, and no stream, device or pipe."""
        return self._temporary is not None

    def close(self, *, complete: bool) -> None:
        """Let it appear; or, if it is not complete, leave nothing of it. Once more does nothing.

        :raises FileExistsError: if there is a file of its name by now, and ``force`` was not given.
        :raises OSError: if it cannot be written.
        """
        if self._path is None:
            self.file.flush()
            return
        try:
            self.file.close()
            if complete and self._temporary is not None:
                self._check()  # once more: it may have come meanwhile
                with contextlib.suppress(FileNotFoundError):
                    shutil.copymode(self._path, self._temporary)
                self._temporary.replace(self._path)
                self._temporary = None
        finally:
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)

    def _create(self, path: Path) -> int:
        """Opens the temporary file: whoever may not read the file that it replaces may not read it either, from the first byte on."""
        mode = 0o666
        if self._path is not None:
            with contextlib.suppress(FileNotFoundError):
                mode = stat.S_IMODE(self._path.stat().st_mode) & 0o666
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)

    def _check(self) -> None:
        if self._path is not None and self._path.is_file() and not self._force:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self._path))


def standard_input() -> IO[bytes]:
    """Standard input as bytes.

    :raises OSError: if this process was started without.
    """
    return _binary(sys.stdin, "standard input")


def standard_output() -> IO[bytes]:
    """Standard output as bytes.

    :raises OSError: if this process was started without.
    """
    return _binary(sys.stdout, "standard output")


def _binary(stream: TextIO | None, name: str) -> IO[bytes]:
    if stream is None:
        raise OSError(errno.EBADF, "it is closed", name)
    return stream.buffer
