"""Spans that outlive their process: what waits lies in files that belong to the kernel once it is written.

::

    from spanwire.exporter.http import OTLPSpanExporter

    exporter = OTLPSpanExporter(durable="/var/lib/shop/spans")

A process that is killed loses no span that is in a file: the next one with the same folder and service sends it, or
``spanwire recover``. Where no file is ready a span is in memory until its file is made (docs/durability.md). The folder must outlive what is killed with the process: in a container it is a volume.
"""

import operator
import os
from dataclasses import dataclass, field
from pathlib import Path

from spanwire import _native
from spanwire._settings import _defaults

__all__ = ["DurableQueue", "sync"]

_FSYNC = ("never", "interval", "batch")
_MAPPING = ("auto", "always", "never")
_YEAR = 365 * 24 * 3600  # seconds


@dataclass(frozen=True, init=False)
class DurableQueue:
    """Where and how what waits is kept.

    :param path: a folder for all processes; made with mode 0700 if it is not there. A relative one is where the working folder is now,
        also if that changes. Each process has a folder of its own in it.
    :param max_bytes: of what waits, for each batch processor of each process (not of the whole folder); over it the oldest spans go, counted as ``queue_full``.
        At least 16 MiB, which is a file.
    :param max_age: seconds; what has waited for longer goes, a block (1 MiB) at a time, counted as ``expired``. Default: no bound.
    :param fsync: what is written to the disk for the case that the power fails: ``never`` (the system decides; the death of a process
        loses nothing), ``interval`` (each ``fsync_interval`` seconds) or ``batch`` (as soon as the disk can follow).
    :param fsync_interval: seconds.
    :param service: whose spans they are; only a process of the same service sends what another one has left. Default: the service's name
        in OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES, else ``unknown_service``.
    :param recover: send what ended processes of the service have left, beside what is fresh, from a second after the start.
    :param recover_per_second: of those at most, and of what this process has kept through an outage (if it is more than is sent in
        five seconds at that rate), the oldest first; what is fresh is sent beside. 0: as fast as they are taken; what an outage has left is
        then sent before what is fresh.
    :param mapping: ``auto`` maps files into memory on ext4, XFS and tmpfs, and on overlays on these; elsewhere a thread writes spans within
        10 ms, so that a killed process may lose those of that time. ``always`` maps on other file systems too. ``never`` maps nowhere: a file
        that others cut short, or a disk that fails, then cannot end the process by SIGBUS; spans without a file are dropped as ``disk``.
    :param recover_spans_per_second: the former name of ``recover_per_second``, which it replaces if it is given.
    :raises ValueError: for a value that cannot work; the text says what can.
    """

    path: "str | os.PathLike[str]"
    max_bytes: int = _defaults.number("exporter", "SPANWIRE_DURABLE_MAX_BYTES")
    max_age: float | None = None
    fsync: str = _defaults.text("exporter", "SPANWIRE_DURABLE_FSYNC")
    fsync_interval: float = 1.0
    service: str | None = None
    recover: bool = True
    recover_per_second: int = 50_000
    mapping: str = _defaults.text("exporter", "SPANWIRE_DURABLE_MAPPING")
    _folder: str = field(init=False, repr=False, compare=False)

    # By hand for the former name of a keyword: an InitVar with a default breaks `dataclasses.replace`.
    def __init__(
        self,
        path: "str | os.PathLike[str]",
        max_bytes: int = max_bytes,
        max_age: float | None = max_age,
        fsync: str = fsync,
        fsync_interval: float = fsync_interval,
        service: str | None = service,
        recover: bool = recover,
        recover_per_second: int = recover_per_second,
        mapping: str = mapping,
        *,
        recover_spans_per_second: int | None = None,
    ) -> None:
        values = {
            "path": path,
            "max_bytes": max_bytes,
            "max_age": max_age,
            "fsync": fsync,
            "fsync_interval": fsync_interval,
            "service": service,
            "recover": recover,
            "recover_per_second": recover_per_second if recover_spans_per_second is None else recover_spans_per_second,
            "mapping": mapping,
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)
        self._check()
        object.__setattr__(self, "_folder", str(Path(self.path).absolute()))

    @property
    def recover_spans_per_second(self) -> int:
        """The former name of ``recover_per_second``."""
        return self.recover_per_second

    def _check(self) -> None:
        if not os.fspath(self.path).strip():
            raise ValueError("durable needs the path of a folder")
        _check_whole("max_bytes", self.max_bytes)
        _check_whole("recover_per_second", self.recover_per_second)
        if self.max_bytes < _native.LEAST_DURABLE_BYTES:
            raise ValueError(
                f"max_bytes must be at least {_native.LEAST_DURABLE_BYTES} (the blocks of one file), not {self.max_bytes!r}"
            )
        if self.max_age is not None and not self.max_age > 0:
            raise ValueError(f"max_age must be positive seconds, not {self.max_age!r}")
        if self.max_age is not None and self.max_age > _YEAR:
            raise ValueError(
                f"max_age must be at most {_YEAR} seconds (a year), or None for no bound, not {self.max_age!r}"
            )
        if self.fsync not in _FSYNC:
            raise ValueError(f"fsync must be one of {', '.join(_FSYNC)}, not {self.fsync!r}")
        if self.mapping not in _MAPPING:
            raise ValueError(f"mapping must be one of {', '.join(_MAPPING)}, not {self.mapping!r}")
        if not self.fsync_interval > 0:
            raise ValueError(f"fsync_interval must be positive seconds, not {self.fsync_interval!r}")
        if self.fsync_interval > _YEAR:
            raise ValueError(
                f"fsync_interval must be at most {_YEAR} seconds (a year), not {self.fsync_interval!r}; fsync='never' has none"
            )
        if self.recover_per_second < 0:
            raise ValueError(f"recover_per_second must be 0 or more, not {self.recover_per_second!r}")


def _check_whole(name: str, given: object) -> None:
    """Raises ValueError for what is no whole number, or none that fits."""
    try:
        fits = operator.index(given) < 1 << 63  # type: ignore[arg-type]
    except TypeError:
        fits = False
    if not fits:
        raise ValueError(f"{name} must be a whole number below 2**63, not {given!r}")


def sync() -> None:
    """Have every span whose ``end()`` has returned written to the disk: afterwards it is there even if the power fails.

    Of all durable queues of this process, whatever their ``fsync``; one that fails keeps no other from it. Takes as long as the disk takes.

    :raises OSError: if the disk says so; nothing is sure then.
    """
    _native.sync_durable()
