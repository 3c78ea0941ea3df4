"""Whether spans can outlive the process, if they are to."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from spanwire import _native
from spanwire.durable._queue import cure, folder_of, resolve, service_of

if TYPE_CHECKING:
    from spanwire.cli._doctor._context import Context
    from spanwire.cli._doctor._model import Step
    from spanwire.durable import DurableQueue

__all__ = ["check"]


def check(context: Context, step: Step) -> None:
    """Make a folder and a file as the exporter would, and look at what ended processes have left."""
    queue = context.exporter.durable_queue if context.exporter is not None else resolve(None)
    if queue is None:
        step.skip("spans that wait do not outlive the process (SPANWIRE_DURABLE_PATH is not set)")
        return
    path = Path(folder_of(queue))
    is_new = not path.exists()
    try:
        is_good = _make(context, step, queue, path)
        if not is_good:
            return
        _processor(context, step)
        if path.is_relative_to(tempfile.gettempdir()):
            step.warn(
                "temporary",
                f"{path} is a folder for temporary files",
                "give one that outlives the machine's start, or the container",
            )
        _left(step, queue, path)
    finally:
        if is_new:  # else it would be this user's, and the service perhaps another's
            with suppress(OSError):
                path.rmdir()


def _make(context: Context, step: Step, queue: DurableQueue, path: Path) -> bool:
    """Whether it can be used."""
    try:
        made = _native.DurableDirectory(
            path, "spanwire.doctor", queue.max_bytes, queue.fsync, queue.fsync_interval, mapping=queue.mapping
        )
    except OSError as error:
        text = str(error)
        what = cure(str(path))
        if "belongs to another user" in text:
            what = f"run spanwire doctor as the user that the service runs as, or {what}"
        step.fail("refused", f"{path}: {context.mask.hide(text)}", what)
        return False
    (report,) = (one for one in _native.durable_report() if one["folder"] == str(made.folder))
    made.end()  # now, and not when its thread lets it go
    step.details.update(
        path=str(path),
        file_system=report["file_system"],
        mapping=queue.mapping,
        not_mapped=report["not_mapped"],
        fsync=queue.fsync,
    )
    if report["last_error"]:
        step.warn(
            "room",
            f"{path}: {report['last_error']}",
            "make room, or mend what it says: until then spans are dropped, counted as disk",
        )
    elif queue.mapping == "never":
        step.ok(
            "written",
            f"{path}: files are not mapped (mapping=never): a thread writes spans within 10 milliseconds, and a killed process may lose those of that time",
        )
    elif report["not_mapped"]:
        step.warn(
            "written",
            f"{path}: files are not mapped, since the file system ({report['not_mapped']}) cannot promise what mapped memory needs: a thread "
            "writes spans within 10 milliseconds, and a killed process may lose those of that time",
            "give a folder on ext4, XFS or tmpfs, or set mapping=always if you know that this file system allocates and keeps blocks",
        )
    elif not context.other_processor:
        step.ok("mapped", f"{path}: spans outlive a killed process (files are mapped, {report['file_system']})")
    return True


def _processor(context: Context, step: Step) -> None:
    """Whether the program would have the processor whose queue it is."""
    if not context.other_processor:
        return
    text = f"the folder can be used, and is not: {context.other_processor}, whose spans wait in memory"
    wanted = "OTEL_PYTHON_CONFIGURATOR=spanwire without SPANWIRE_DISABLED, or spanwire.install()"
    if context.is_other_asked_for:
        step.warn("processor", text, wanted)  # spans arrive
    else:
        step.warn("processor", f"with opentelemetry-instrument {text}", f"{wanted}, where there is nothing to be done")


def _left(step: Step, queue: DurableQueue, path: Path) -> None:
    left = _native.inspect_durable(path, None)
    step.details["left"] = [
        {"service": one["service"], "spans": one["spans"], "delivered": one["delivered"]} for one in left
    ]
    service = service_of(queue)
    for one in left:
        is_of_it = one["service"] == service
        step.ok(
            "left",
            f"an ended process of service {one['service']} has left {one['spans']:,} spans: "
            + (
                "the next start sends them"
                if is_of_it
                else f"a start of that service sends them, or spanwire recover; this one is {service}"
            )
            + "".join(f"; {name} has {spans:,} of them" for name, spans in sorted(one["delivered"].items())),
        )
