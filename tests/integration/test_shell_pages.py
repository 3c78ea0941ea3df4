"""The runner of pages' shell blocks finds pages that say what is not so."""

from pathlib import Path

import pytest

from spanwire.sink import Sink
from tests.integration.shell_pages import run_page
from tests.snippets import snippets


def run(text: str, folder: Path, sink: Sink, *, full: bool = False) -> int:
    page = folder / "page.md"
    page.write_text(text, encoding="utf-8")
    work = folder / "work"
    work.mkdir()
    return run_page(snippets(page), work, sink, full=full)


GOOD = """
```python title="part/mine.py" test="file"
print("hello")
```
```sh
python part/mine.py | tee said
```
```text test="output"
hello
```
```sh test="status 3"
exit 3
```
```sh test="no: would end the machine"
exit 4
```
```sh test="full"
exit 5
```
"""


def test_a_good_page_is_run_as_far_as_it_says(tmp_path: Path, otlp_sink: Sink) -> None:
    assert (
        run(GOOD.replace("python part/", "cat part/").replace("\nhello\n", '\nprint("hello")\n'), tmp_path, otlp_sink)
        == 2
    )
    assert (tmp_path / "work" / "said").exists()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```sh\nfalse\n```\n", "page.md:1 ended with 1"),
        ("```sh\nfalse\ntrue\n```\n", "page.md:1 ended with 1"),
        ('```sh test="status 2"\ntrue\n```\n', "page.md:1 ended with 0"),
        ('```sh\necho one\n```\n```text test="output"\ntwo\n```\n', "page.md:4 is not what is printed"),
        ('```python title="mine.py" test="file"\nprint(1)\n```\n```sh\npython mine.py\n```\n', "page.md:4: no span"),
    ],
    ids=["fails", "fails in the middle", "other status", "other output", "no span"],
)
def test_a_page_that_says_what_is_not_so_is_found(text: str, found: str, tmp_path: Path, otlp_sink: Sink) -> None:
    with pytest.raises(AssertionError, match=found):
        run(text, tmp_path, otlp_sink)


def test_what_takes_long_is_run_when_it_is_asked_for(tmp_path: Path, otlp_sink: Sink) -> None:
    with pytest.raises(AssertionError, match="ended with 5"):
        run('```sh test="full"\nexit 5\n```\n', tmp_path, otlp_sink, full=True)


def test_the_port_of_the_page_is_that_of_the_receiver(tmp_path: Path, otlp_sink: Sink) -> None:
    assert run("```sh\necho http://localhost:4318 > where\n```\n", tmp_path, otlp_sink) == 1
    where = (tmp_path / "work" / "where").read_text(encoding="utf-8").strip()
    assert where.rpartition(":")[2] == otlp_sink.http_endpoint.rpartition(":")[2]


def test_a_server_that_ends_at_once_is_found(tmp_path: Path, otlp_sink: Sink) -> None:
    with pytest.raises(AssertionError, match="not serving today"):
        run('```sh test="server"\nsh -c "echo not serving today; exit 1" 8000\n```\n', tmp_path, otlp_sink, full=True)
