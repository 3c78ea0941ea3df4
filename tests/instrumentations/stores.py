"""Programs that use databases, queues, logs and threads."""

from tests.instrumentations.program import Program

STORES: tuple[Program, ...] = ()
