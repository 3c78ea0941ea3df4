"""The receiver in a process of its own: its modules come from where Python has them, whatever lies in the working folder."""

from pathlib import Path

import pytest

from spanwire_bench import _sink_process


@pytest.mark.parametrize("name", ["_sink_process.py"])
def test_it_is_not_started_with_m(name: str) -> None:
    text = (Path(_sink_process.__file__).parent / name).read_text(encoding="utf-8")
    assert '"-m"' not in text
    assert "command(" in text


def test_a_sink_in_a_process_of_its_own_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "socket.py").write_text("open('was-run', 'w')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with _sink_process.SinkProcess() as sink:
        assert sink.endpoint.startswith("http://")
    assert not (tmp_path / "was-run").exists()
