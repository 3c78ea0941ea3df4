"""The interpreter ends while something is under way: no hang, no crash, nothing on standard error."""

import threading
import time
from pathlib import Path

import pytest

from spanwire.sink import Sink

from .programs import run
from .servers import OK, ScriptedServer, answer


def test_a_batch_processor_flushes_at_exit() -> None:
    with Sink() as sink:
        run(
            """
            provider = TracerProvider()
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=sys.argv[1])))
            provider.get_tracer("tests").start_span("last words").end()
            """,
            sink.traces_endpoint,
        )
        assert sink.span_count == 1


@pytest.mark.parametrize("waiting_for", ["an answer", "a back-off"])
def test_a_daemon_thread_inside_export_does_not_keep_or_crash_the_interpreter(waiting_for: str) -> None:
    release = threading.Event()
    with ScriptedServer([lambda _: release.wait(60) and False]) as server, Sink() as sink:
        sink.inject(times=None, status=503, retry_after=60)
        run(
            """
            exporter = OTLPSpanExporter(endpoint=sys.argv[1], timeout=600)
            threading.Thread(target=exporter.export, args=(make_spans(10),), daemon=True).start()
            while (account(exporter) or {}).get("queued") != 10:
                time.sleep(0.001)
            time.sleep(0.2)
            """,
            server.endpoint if waiting_for == "an answer" else sink.traces_endpoint,
            timeout=60,
        )
        release.set()


def test_daemon_threads_that_export_without_end_do_not_crash_the_interpreter() -> None:
    with Sink() as sink:
        for _ in range(5):
            run(
                """
                exporter = OTLPSpanExporter(endpoint=sys.argv[1])
                spans = make_spans(50)

                def export():
                    while True:
                        exporter.export(spans)

                for _ in range(4):
                    threading.Thread(target=export, daemon=True).start()
                while (account(exporter) or {}).get("exported", 0) < 1000:
                    time.sleep(0.001)
                """,
                sink.traces_endpoint,
                timeout=60,
            )


def test_an_interrupted_wait_raises_and_the_request_is_counted_all_the_same(tmp_path: Path) -> None:
    interrupted = tmp_path / "interrupted"

    def late(connection: object) -> bool:
        end = time.monotonic() + 60
        while not interrupted.exists() and time.monotonic() < end:
            time.sleep(0.01)
        return answer(OK)(connection)  # type: ignore[arg-type]

    # The request is under way until the wait for it was interrupted, however late that is.
    with ScriptedServer([late]) as server:
        run(
            """
            exporter = OTLPSpanExporter(endpoint=sys.argv[1], timeout=60)

            def interrupt():
                while (account(exporter) or {}).get("queued") != 10:
                    time.sleep(0.001)
                os.kill(os.getpid(), signal.SIGINT)

            threading.Thread(target=interrupt).start()
            try:
                exporter.export(make_spans(10))
            except KeyboardInterrupt:
                pass
            else:
                raise AssertionError("not interrupted")
            open(sys.argv[2], "w").close()
            assert exporter.force_flush()
            assert account(exporter)["exported"] == 10
            """,
            server.endpoint,
            str(interrupted),
        )
        assert len(server.bodies) == 1


def test_signals_are_left_to_the_application() -> None:
    with Sink() as sink:
        output = run(
            """
            exporter = OTLPSpanExporter(endpoint=sys.argv[1])
            exporter.export(make_spans(1))
            tasks = {}
            for task in os.listdir("/proc/self/task"):
                with open(f"/proc/self/task/{task}/status") as status:
                    fields = dict(line.split(":\\t", 1) for line in status)
                tasks[fields["Name"].strip()] = int(fields["SigBlk"], 16)
            faults = {signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP}  # of a thread itself
            signals = set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP} - faults
            print(all(tasks["spanwire"] >> (number - 1) & 1 for number in signals))
            """,
            sink.traces_endpoint,
        )
        assert output.strip() == "True"
