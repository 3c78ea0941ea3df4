"""Whether spans can outlive the process, if they are to."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from spanwire import _native
from spanwire._durable import resolve

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step

__all__ = ["check"]


def check(context: Context, step: Step) -> None:
    """Make a folder and a file as the exporter would, and look at what ended processes have left."""
    queue = context.exporter.durable_queue if context.exporter is not None else resolve(None)
    if queue is None:
        step.skip("spans that wait do not outlive the process (SPANWIRE_DURABLE_PATH is not set)")
        return
    path = Path(queue.path).absolute()
    mask = context.mask
    try:
        made = _native.DurableDirectory(path, "spanwire.doctor", queue.max_bytes, queue.fsync, queue.fsync_interval)
    except OSError as error:
        step.fail(
            "refused",
            f"{path}: {mask.hide(str(error))}",
            "give a folder on a disk with room that belongs to this user alone and nobody else may write to",
        )
        return
    (report,) = (one for one in _native.durable_report() if one["folder"] == str(made.folder))
    step.details.update(path=str(path), not_mapped=report["not_mapped"], fsync=queue.fsync)
    del made
    if report["last_error"]:
        step.warn("room", f"{path}: {report['last_error']}", "make room: until then spans are dropped, counted as disk")
    elif report["not_mapped"]:
        step.warn(
            "written",
            f"{path}: the file system ({report['not_mapped']}) cannot promise what mapped memory needs: a thread writes what waits within "
            "10 milliseconds, and a killed process may lose so much",
            "give a folder on a local disk: ext4 or xfs, say",
        )
    else:
        step.ok("mapped", f"{path}: spans outlive a killed process")
    if path.is_relative_to(tempfile.gettempdir()):
        step.warn(
            "temporary",
            f"{path} is a folder for temporary files",
            "give one that outlives the machine's start, or the container",
        )
    left = _native.inspect_durable(path, None)
    step.details["left"] = [{"service": one["service"], "spans": one["spans"]} for one in left]
    for one in left:
        step.ok(
            "left",
            f"an ended process of service {one['service']} has left {one['spans']:,} spans: the next start sends them",
        )
