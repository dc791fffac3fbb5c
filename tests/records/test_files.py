"""Files are complete or absent, and what dead processes left half-written is removed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from harness.contract.processes import this_process
from harness.records import files
from harness.records.files import sweep, whole, write_new, write_whole


def failing(path: Path, put: Callable[[Path], object]) -> None:
    """Begins to write, and fails as torch does."""
    with whole(path) as beside:
        put(beside)
        raise RuntimeError("enforce fail at inline_container.cc")


def test_a_writer_s_own_words_for_a_full_disk_become_the_system_s(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "before")
    with pytest.raises(OSError, match=r"No space left on device: '.*'") as error:
        failing(path, lambda beside: beside.symlink_to("/dev/full"))
    assert error.value.errno == 28
    assert error.value.filename
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "before"


def test_where_the_disk_is_not_full_the_writer_s_error_stands(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="enforce fail"):
        failing(tmp_path / "file", lambda beside: beside.write_text("half"))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_and_nothing_else(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from harness.records.files import whole\n"
        "with whole(Path(sys.argv[1])) as beside:\n    beside.write_text('half'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "file"], cwd=Path(files.__file__).parents[2])
    (left,) = tmp_path.iterdir()
    with whole(tmp_path / "mine") as mine:
        mine.write_text("")
        elsewhere = tmp_path / ".file.00000000-1-1.part"
        elsewhere.write_text("another machine's")
        sweep(tmp_path)
        assert {p.name for p in tmp_path.iterdir()} == {mine.name, elsewhere.name}
    os.utime(elsewhere, (time.time() - 2 * files.LONG,) * 2)
    sweep(tmp_path)
    assert left != elsewhere
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
    assert not this_process().gone


def test_a_new_file_gets_into_a_folder_that_others_remove(tmp_path: Path) -> None:
    folder, over = tmp_path / "leases", threading.Event()

    def remove() -> None:
        while not over.is_set():
            time.sleep(1e-4)
            with suppress(OSError):
                folder.rmdir()

    remover = threading.Thread(target=remove)
    remover.start()
    try:
        for _ in range(500):
            assert write_new(folder / "a", b"1")
            assert not write_new(folder / "a", b"2")
            assert (folder / "a").read_bytes() == b"1"
            (folder / "a").unlink()
    finally:
        over.set()
        remover.join()
