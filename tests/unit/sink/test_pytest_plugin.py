"""The pytest plugin that comes with spanwire."""

import subprocess
import sys

import pytest


def test_fixture_gives_every_test_a_fresh_sink(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import urllib.request

        seen = []

        def send(sink):
            post = urllib.request.Request(sink.traces_endpoint, b"", {"Content-Type": "application/x-protobuf"})
            with urllib.request.urlopen(post, timeout=20) as answer:
                assert answer.status == 200

        def test_one(otlp_sink):
            send(otlp_sink)
            assert otlp_sink.request_count == 1
            seen.append(otlp_sink.http_endpoint)

        def test_two(otlp_sink, monkeypatch):
            assert otlp_sink.request_count == 0
            send(otlp_sink)
            assert seen != [otlp_sink.http_endpoint]
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_fixture_is_listed_with_what_it_is(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--fixtures")
    result.stdout.fnmatch_lines(["otlp_sink -- *_pytest.py:*", "*A started *spanwire.sink.Sink* on a free port*"])


def test_plugin_costs_other_test_runs_no_import() -> None:
    """pytest loads it in every run of whoever has spanwire installed."""
    program = (
        "import sys, pytest; before = set(sys.modules); import spanwire._pytest; "
        "print(*sorted(name for name in set(sys.modules) - before if not name.startswith('spanwire')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []
