"""Forks with exports under way, by Python and from C."""

import threading
import time
from pathlib import Path

import pytest

from spanwire.sink import TLS, Sink

from .programs import run
from .servers import OK, ScriptedServer, answer
from .test_tls import Authority

FORKS = ["python_fork", "c_fork"]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("tls", [False, True])
def test_children_forked_while_threads_export_deliver_and_count_for_themselves(
    fork: str, tls: bool, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "ca")
    with Sink(tls=TLS(*authority.issue("localhost")) if tls else None) as sink:
        sink_endpoint = f"https://localhost:{sink.port}/v1/traces" if tls else sink.traces_endpoint
        sent = run(
            """
            endpoint, ca, fork = sys.argv[1], sys.argv[2] or None, globals()[sys.argv[3]]
            exporter = OTLPSpanExporter(endpoint=endpoint, certificate_file=ca)
            spans, stop = make_spans(10), threading.Event()

            def export():
                while not stop.is_set():
                    assert exporter.export(spans) is SUCCESS

            threads = [threading.Thread(target=export) for _ in range(3)]
            for thread in threads:
                thread.start()

            def child():
                assert account(exporter) is None  # counts begin at zero
                assert exporter.export(spans) is SUCCESS
                assert exporter.export(spans) is SUCCESS
                assert exporter.force_flush(30_000)
                got = account(exporter)
                assert (got["accepted"], got["exported"], got["connections"]) == (20, 20, 1), got
                exporter.shutdown()

            statuses = [in_child(fork, child) for _ in range(20)]
            stop.set()
            for thread in threads:
                thread.join()
            assert statuses == [0] * 20, statuses
            got = account(exporter)
            assert got["accepted"] == got["exported"] and got["connections"] <= 3, got
            print(got["exported"] + 20 * 20)
            """,
            sink_endpoint,
            authority.file if tls else "",
            fork,
        )
        assert sink.span_count == int(sent)


@pytest.mark.parametrize("fork", FORKS)
def test_a_child_waits_for_nothing_that_its_parent_has_under_way(fork: str) -> None:
    release = threading.Event()

    def late(connection: object) -> bool:
        release.wait(60)
        return answer(OK)(connection)  # type: ignore[arg-type]

    # The parent's request is held until the child has flushed, shut down and been waited for.
    with ScriptedServer([late]) as server:
        output = run(
            """
            exporter = OTLPSpanExporter(endpoint=sys.argv[1], timeout=600)
            result = []
            thread = threading.Thread(target=lambda: result.append(exporter.export(make_spans(10))), daemon=True)
            thread.start()
            while (account(exporter) or {}).get("queued") != 10:
                time.sleep(0.001)

            def child():
                assert exporter.force_flush(0)
                exporter.shutdown(0)

            assert in_child(globals()[sys.argv[2]], child) == 0
            assert account(exporter)["queued"] == 10
            logging.disable()  # the loss that follows
            exporter.shutdown(0)
            thread.join()
            print(account(exporter)["dropped"])
            """,
            server.endpoint,
            fork,
        )
        release.set()
    assert output.strip() == "{'shutdown': 10}"


@pytest.mark.parametrize("fork", FORKS)
def test_a_child_that_lives_on_does_not_keep_its_parents_connection_open(fork: str, tmp_path: Path) -> None:
    end = tmp_path / "end"
    closed = threading.Event()

    class Watching(ScriptedServer):
        def _serve(self, connection: object) -> None:
            super()._serve(connection)  # type: ignore[arg-type]
            closed.set()

    with Watching() as server:
        thread = threading.Thread(
            target=run,
            args=(
                """
                exporter = OTLPSpanExporter(endpoint=sys.argv[1])
                assert exporter.export(make_spans(1)) is SUCCESS
                read, write = os.pipe()
                pid = globals()[sys.argv[2]]()
                if pid == 0:
                    signal.alarm(60)
                    os.read(read, 1)  # until the parent has seen the connection closed
                    os._exit(0)
                exporter.shutdown()
                while not os.path.exists(sys.argv[3]):
                    time.sleep(0.01)
                os.write(write, b"x")
                os.waitpid(pid, 0)
                """,
                server.endpoint,
                fork,
                str(end),
            ),
        )
        thread.start()
        assert closed.wait(60)
        assert thread.is_alive()  # and so is the child, until its parent ends
        end.touch()
        thread.join()


def test_a_fork_in_a_signal_handler_of_a_waiting_export_hangs_neither_side(tmp_path: Path) -> None:
    forked = tmp_path / "forked"

    def late(connection: object) -> bool:
        end = time.monotonic() + 60
        while not forked.exists() and time.monotonic() < end:
            time.sleep(0.01)
        return answer(OK)(connection)  # type: ignore[arg-type]

    # The request is under way until the fork has happened, however late that is.
    with ScriptedServer([late]) as server:
        run(
            """
            exporter = OTLPSpanExporter(endpoint=sys.argv[1], timeout=60)
            pids = []
            logging.disable()  # the child says that its parent delivers

            def handler(*_):
                pids.append(os.fork())
                open(sys.argv[2], "w").close()

            signal.signal(signal.SIGUSR1, handler)

            def interrupt():
                while (account(exporter) or {}).get("queued") != 10:
                    time.sleep(0.001)
                os.kill(os.getpid(), signal.SIGUSR1)

            threading.Thread(target=interrupt).start()
            result = exporter.export(make_spans(10))
            if pids == [0]:
                # The child of the handler is inside the same call: the spans are its parent's.
                os._exit(0 if result is not SUCCESS and account(exporter) is None else 1)
            assert result is SUCCESS
            assert os.waitpid(pids[0], 0)[1] == 0
            """,
            server.endpoint,
            str(forked),
        )
        assert len(server.bodies) == 1


def test_a_child_may_fork_again_and_spans_of_each_generation_arrive() -> None:
    with Sink() as sink:
        run(
            """
            exporter = OTLPSpanExporter(endpoint=sys.argv[1])
            spans = make_spans(10)

            def work(depth):
                assert exporter.export(spans) is SUCCESS
                if depth:
                    assert in_child(c_fork if depth % 2 else python_fork, lambda: work(depth - 1)) == 0
                assert exporter.export(spans) is SUCCESS
                assert account(exporter)["exported"] == 20

            work(4)
            """,
            sink.traces_endpoint,
        )
        assert sink.span_count == 100
