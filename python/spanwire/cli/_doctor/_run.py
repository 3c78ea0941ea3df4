"""Runs the steps, one after the other."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable

from spanwire import __version__
from spanwire.cli._doctor._context import Context, listening
from spanwire.cli._doctor._model import Finding, Report, Step

__all__ = ["STEPS", "examine"]

# Modules of `steps`, each with `check(context, step)`, in the order in which they build on each other.
STEPS = (
    "versions",
    "setup",
    "variables",
    "configuration",
    "dns",
    "tcp",
    "proxy",
    "tls",
    "http",
    "grpc",
    "span",
    "limits",
    "durable",
)


def examine(context: Context) -> Report:
    """Every step, what each has found without secrets, and the exporter shut down."""
    mask = context.mask
    steps: list[Step] = []
    with listening():
        try:
            for name in STEPS:
                step = _done(name, context)
                step.findings = [
                    Finding(one.code, one.level, mask.hide_keys(one.text), mask.hide_keys(one.cure))
                    for one in step.findings
                ]
                step.details = mask.hide_in(step.details)
                steps.append(step)
        finally:
            context.close()
    destination = mask.hide_keys(context.exporter._client.destination) if context.exporter is not None else ""
    return Report(__version__, destination, steps, mask.hide_keys(context.other))


def _done(name: str, context: Context) -> Step:
    step = Step(name)
    begin = time.perf_counter()
    try:
        check: Callable[[Context, Step], None] = importlib.import_module(f"spanwire.cli._doctor.steps.{name}").check
        check(context, step)
    except Exception as error:  # one step that breaks must not hide what the others find
        step.fail(
            "internal", f"the step broke: {type(error).__name__}: {context.mask.hide(str(error))}", "please report this"
        )
    step.seconds = time.perf_counter() - begin
    return step
