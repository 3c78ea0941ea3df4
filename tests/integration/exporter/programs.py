"""Runs small programs with an exporter in a process of their own, where they may fork and exit as they like."""

import os
import textwrap

from tests.processes import python

PRELUDE = """
import ctypes, faulthandler, logging, os, signal, sys, threading, time
import spanwire
from spanwire.exporter.http import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

SUCCESS = SpanExportResult.SUCCESS

def make_spans(count):
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("tests")
    for number in range(count):
        tracer.start_span(f"span {number}").end()
    return memory.get_finished_spans()

def python_fork():
    return _c.fork() if _cleans_up else os.fork()  # os.fork() would prepare and clean up a second time

# As uWSGI does: fork(2) from C, between Python's own preparations and clean-up, before any bytecode runs. (Calling these from
# Python around a fork through ctypes comes too late: the interpreter may want to hand over the GIL first, to a thread that is
# gone. From 3.13 on the clean-up lets go of a lock that the preparations have taken.)
_c = ctypes.PyDLL(None)
_cleans_up = []
def c_fork():
    if not _cleans_up:
        names = ("PyOS_BeforeFork", "PyOS_AfterFork_Parent", "PyOS_AfterFork_Child")
        hooks = [ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p) for name in names]
        _cleans_up.append(_c.__register_atfork(*hooks, None))
    return _c.fork()

def in_child(fork, work):
    '''Exit status of a child that runs work(); it is killed if it hangs.'''
    pid = fork()
    if pid == 0:
        status = 1
        try:
            faulthandler.register(signal.SIGALRM, chain=True)
            signal.alarm(60)
            work()
            status = 0
        except BaseException as error:
            print("child:", repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1]

def account(exporter):
    return spanwire.stats()["traces"].get(exporter._client.destination)
"""


def run(program: str, *arguments: str, timeout: float = 100) -> str:
    """Output of a program that must end by itself, with status 0 and nothing on standard error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    code = PRELUDE + textwrap.dedent(program)
    options = ("-X", "faulthandler", "-W", "ignore::DeprecationWarning")
    return python(*options, "-c", code, *arguments, quiet=True, timeout=timeout, environment=environment).stdout
