"""`repro data verify`: files that cannot be read are said, and not called damaged."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from harness.cli.commands import data
from harness.cli.terminal.progress import Lines
from harness.contract.errors import DataError
from harness.data import cifar10, fingerprint
from tests.fakes.photographs import contents, folders, pack


def refuse(path: str | Path, *given: object) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def verify(dataset: str, root: Path) -> str:
    """The sentence with which it is refused."""
    with pytest.raises(DataError) as error:
        data.verify(dataset, root, Lines(Console(file=StringIO())))
    return str(error.value)


def test_a_pack_s_files_that_cannot_be_read_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fingerprint  # imported by now: its own file must be readable
    place = pack(folders(tmp_path / "source", contents({"train": 1, "val": 1})), tmp_path / "imagenette.pack")
    monkeypatch.setattr(Path, "read_bytes", refuse)
    said = verify("imagenette", tmp_path)
    assert said == f"{place / 'mean.npy'} cannot be read: Permission denied; make it readable"


def test_a_batch_of_cifar10_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "cifar-10-batches-py"
    place.mkdir()
    (place / "data_batch_1").touch()
    monkeypatch.setattr(cifar10, "check_integrity", refuse)
    said = verify("cifar10", tmp_path)
    assert said == f"{place / 'data_batch_1'} cannot be read: Permission denied; make it readable"
