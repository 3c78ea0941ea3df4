"""Headers that the application's own function gives again and again: tokens that expire."""

import os
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from spanwire._native import HttpClient
from spanwire._settings import _defaults
from spanwire._telemetry import log, threads
from spanwire.exporter._common.grpc_options import binary
from spanwire.exporter._common.options import header_value

__all__ = ["DEFAULT_REFRESH", "HeadersProvider", "HeadersRefresh", "check_provider"]

HeadersProvider = Callable[[], Mapping[str, str]]

DEFAULT_REFRESH = _defaults.seconds("exporter", "headers_refresh")
_APART_SECONDS = 2.0  # of two calls at least
_AGAIN_SECONDS = 5.0  # after a call that came to nothing
_LATE_SECONDS = 10.0  # after which a call that has not returned is told of


def check_provider(provider: Any, seconds: float | None) -> None:
    """Raises ValueError for keywords that cannot work."""
    if provider is None:
        if seconds is not None:
            raise ValueError("headers_refresh= says how often headers_provider= is called; give both, or neither")
        return
    if not callable(provider):
        raise ValueError(  # noqa: TRY004 - one kind for all
            f"headers_provider= is of type {type(provider).__name__}, which cannot be called; give a function that returns a dict"
        )
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if seconds is not None and not (is_number and 0 < seconds <= threading.TIMEOUT_MAX):
        raise ValueError(f"headers_refresh={seconds!r} is not valid; give a positive number of seconds")


class HeadersRefresh:
    """Calls the provider on a daemon thread of its own in each process: at once, every so often, and when a server refuses."""

    def __init__(self, client: HttpClient, provider: HeadersProvider, seconds: float | None, protocol: str) -> None:
        self._client = client
        self._provider = provider
        self._seconds = DEFAULT_REFRESH if seconds is None else max(float(seconds), _APART_SECONDS)
        self._protocol = protocol
        self._started: dict[int, object] = {}  # by process; no lock, which a forked child could find taken
        self._is_ended = False

    def serve(self, owner: object) -> None:
        """Begin, until this object is gone."""
        weakref.finalize(owner, self.end).atexit = False
        self.attend()

    def attend(self) -> None:
        """See to it that this process, which may be a forked one, has the thread."""
        process = os.getpid()
        if process in self._started or self._is_ended:
            return
        mine = object()
        if self._started.setdefault(process, mine) is not mine:
            return
        try:
            threads.start_thread(self._run, "SpanwireHeaders")
        except RuntimeError as error:
            del self._started[process]
            threads.report_no_thread(error)
        except BaseException:  # of a signal handler: the next one tries again
            self._started.pop(process, None)
            raise

    def end(self) -> None:
        """The provider is not called any more."""
        self._is_ended = True
        self._client.end_headers()

    def _run(self) -> None:
        from opentelemetry import context

        # What the provider asks a server for makes no spans, as of exporters.
        context.attach(context.set_value(context._SUPPRESS_INSTRUMENTATION_KEY, True))  # noqa: SLF001 - the SDK's way
        while not self._is_ended:
            pause = self._seconds if self._fetch() else min(self._seconds, _AGAIN_SECONDS)
            self._client.wait_headers_wanted(_APART_SECONDS, pause)  # natively, also where gevent has patched waiting

    def _fetch(self) -> bool:
        """Whether there are other headers now. Says no values, nor an exception's text, which may show one."""
        self._client.begin_headers_call(_LATE_SECONDS)
        try:
            given = self._provider()
        except BaseException as error:  # whatever it is, the thread goes on
            log.warn(
                "headers.raised", "headers_provider= has raised %s; the headers stay as they were", type(error).__name__
            )
            return False
        finally:
            self._client.end_headers_call()
        try:
            self._client.set_headers(self._checked(given))
        except Exception as error:
            log.warn(
                "headers.bad", "headers_provider= gives what cannot be sent: %s; the headers stay as they were", error
            )
            return False
        return True

    def _checked(self, given: Any) -> list[tuple[str, bytes]]:
        if not isinstance(given, Mapping):
            raise ValueError(f"a {type(given).__name__} in the place of a dict")  # noqa: TRY004 - one kind for all
        headers = []
        for name, value in given.items():
            if not isinstance(name, str):
                raise ValueError(f"a header's name is of type {type(name).__name__}")  # noqa: TRY004 - one kind for all
            own = binary(value) if self._protocol == "grpc" and name.lower().endswith("-bin") else value
            headers.append((name.lower(), header_value(name, own)))
        return headers
