"""Files that appear when they are complete: who may read them meanwhile, and what a link does."""

import stat
from pathlib import Path

import pytest

from spanwire._files.new_file import NewFile


def modes(folder: Path) -> dict[str, int]:
    return {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_what_replaces_a_file_is_never_readable_by_more_people(mode: int, tmp_path: Path) -> None:
    place = tmp_path / "spans.pb"
    place.write_bytes(b"before")
    place.chmod(mode)
    new = NewFile(str(place), force=True)
    new.file.write(b"after")
    assert modes(tmp_path) == {".pb": mode, ".part": mode}
    new.close(complete=True)
    assert (place.read_bytes(), modes(tmp_path)) == (b"after", {".pb": mode})


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").touch()
    NewFile(str(tmp_path / "spans.pb")).close(complete=True)
    found = modes(tmp_path)
    assert found[".pb"] == found[".txt"]


def test_a_link_to_a_file_that_is_there_is_refused_without_force(tmp_path: Path) -> None:
    (tmp_path / "mine.pb").write_bytes(b"mine")
    (tmp_path / "link.pb").symlink_to("mine.pb")
    with pytest.raises(FileExistsError):
        NewFile(str(tmp_path / "link.pb"))
    assert (tmp_path / "mine.pb").read_bytes() == b"mine"


def test_the_name_of_a_file_under_way_cannot_be_foreseen(tmp_path: Path) -> None:
    new = [NewFile(str(tmp_path / "spans.pb")) for _ in range(2)]
    assert len({path.name for path in tmp_path.iterdir()}) == 2
    for one in new:
        one.close(complete=False)
    assert not list(tmp_path.iterdir())
