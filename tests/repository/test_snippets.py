"""How blocks of pages are read: what is run, what is excused, what is a defect of the page."""

from pathlib import Path

import pytest

from tests.dockerfile import check_dockerfile
from tests.snippets import Snippet, command_lines, matches, snippets

PAGE = """# Page
```python title="app.py"
print(1)
```
```sh test="no: needs a Docker engine"
docker build .
```
````text
```
````
```console
$ spanwire demo \\
    --help
usage
$ ls
```
"""


def one(language: str, test: str = "") -> Snippet:
    return Snippet("docs/page.md", 1, language, "", test, "")


def test_blocks_are_found_with_their_lines_titles_and_fates(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(PAGE, encoding="utf-8")
    found = snippets(tmp_path / "page.md")
    assert [(block.line, block.language, block.title, block.fate) for block in found] == [
        (2, "python", "app.py", "run"),
        (5, "sh", "", "excused"),
        (8, "text", "", "prose"),
        (11, "console", "", "run"),
    ]
    assert found[1].excuse == "needs a Docker engine"
    assert found[2].text == "```\n"
    assert command_lines(found[3]) == "spanwire demo \\\n    --help\nls\n"


def test_a_block_that_is_not_closed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("```sh\nls\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="not closed"):
        snippets(tmp_path / "page.md")


@pytest.mark.parametrize(
    ("block", "fate"),
    [
        (one("sh"), "run"),
        (one("yaml"), "parsed"),
        (one("text"), "prose"),
        (one("text", "output"), "compared"),
        (one("sh", "status 2"), "run"),
        (one("sh", "full"), "run"),
    ],
)
def test_what_becomes_of_a_block(block: Snippet, fate: str) -> None:
    assert block.fate == fate


@pytest.mark.parametrize(
    "block", [one("perl"), one("sh", "later"), one("sh", "no: "), one("py"), one("sh", "status 0"), one("sh", "no")]
)
def test_a_block_without_a_run_or_a_reason_is_refused(block: Snippet) -> None:
    assert block.fate not in {"run", "parsed", "compared", "prose", "excused"}


def test_an_attribute_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text('```sh tset="full"\nls\n```\n', encoding="utf-8")
    (block,) = snippets(tmp_path / "page.md")
    assert block.fate.startswith("unknown test=")


def test_output_is_compared_without_ids_and_times() -> None:
    printed = f"trace {'0a' * 16}  2 spans, 357 µs\ncheckout ━━━━━  357 µs\n└─ pay ━ 3.33 µs\n"
    assert matches(f"trace {'1b' * 16}  2 spans, 1.2 ms\ncheckout ━━  11 µs\n└─ pay ━━━ 3 s\n", printed)
    assert matches("trace …\n…\n└─ pay …\n", printed)
    assert not matches("trace …\n…\n└─ pays …\n", printed)
    assert not matches(printed.replace("2 spans", "0 spans"), printed)
    assert matches("at 10:01 on port 127.0.0.1:4318: 1.5 KiB", "at 23:59 on port 127.0.0.1:41234: 12 KiB")
    assert not matches("status 404", "status 500")
    assert not matches("trace …\n└─ pay …\n", printed)


@pytest.mark.parametrize(
    "text",
    ["RUN ls\n", "FROM a\nRUN\n", "FROM a\nRUM ls\n", 'FROM a\nCMD ["a", 1]\n', "FROM a\nCOPY b\n", "FROM a\nENV b\n"],
)
def test_a_dockerfile_that_is_none_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        check_dockerfile(text)


def test_a_dockerfile_is_read_over_continued_lines() -> None:
    assert check_dockerfile('# note\nFROM a\nRUN b \\\n    c\nCMD ["d"]\n') == [
        ("FROM", "a"),
        ("RUN", "b      c"),
        ("CMD", '["d"]'),
    ]
