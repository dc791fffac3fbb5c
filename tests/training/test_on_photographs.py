"""From a folder of JPEGs to ten-view errors: packed, trained by the recipe, killed twice on the way."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console

from harness.data import folders, photograph_inputs, resident, sources
from harness.data.datasets import load
from harness.data.prepare import prepare
from harness.data.views import ten
from tests.training.on_photographs import SETTINGS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a pack of six photographs from each of Imagenette's classes."""
    found = sources.find("imagenette", None)
    if found is None or found.root is None:
        pytest.skip("needs Imagenette: unpack it, and name its parent folder in $REPRO_DATA")
    place = folders.located("imagenette", found.root)
    assert place is not None
    few, data = tmp_path_factory.mktemp("few"), tmp_path_factory.mktemp("data")
    for split, count in (("train", 4), ("val", 2)):
        for source in sorted((place / split).iterdir()):
            target = few / split / source.name
            target.mkdir(parents=True)
            for image in sorted(source.iterdir())[:count]:
                shutil.copy(image, target)
    assert prepare("imagenette", few, data, 1, Console(quiet=True)) is not None
    return data


def start(data: Path, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.training.on_photographs", str(data), str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def killed_at(epoch: float, data: Path, folder: Path) -> None:
    """Starts or goes on, and kills the process the moment it tells of this epoch."""
    process = start(data, folder)
    assert process.stdout is not None
    told = [float(process.stdout.readline())]
    while told[-1] < epoch:
        told.append(float(process.stdout.readline()))
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert told[0] <= epoch


def finished(data: Path, folder: Path) -> tuple[list[float], object]:
    """Goes on to the end: the epochs that it told of, and its outcome without clocks."""
    process = start(data, folder)
    out, _ = process.communicate()
    *epochs, outcome = out.splitlines()
    assert process.returncode == 0
    return list(map(float, epochs)), json.loads(outcome)


def test_killed_twice_it_is_the_unbroken_training_bit_for_bit(packed: Path, tmp_path: Path) -> None:
    _, whole = finished(packed, tmp_path / "whole")
    killed_at(1.5, packed, tmp_path / "broken")
    killed_at(2.5, packed, tmp_path / "broken")
    left, broken = finished(packed, tmp_path / "broken")
    assert left[0] > 1.5  # it did go on from a checkpoint
    assert whole == broken
    files = [(tmp_path / name / "own.safetensors").read_bytes() for name in ("whole", "broken")]
    assert files[0] == files[1]


def test_mapped_inputs_are_those_that_lie_in_memory(packed: Path) -> None:
    cpu = torch.device("cpu")
    mapped = photograph_inputs.inputs(SETTINGS, 3, packed, cpu)
    held = resident.assemble(
        SETTINGS, 3, load("imagenette", packed, True), load("imagenette", packed, False), cpu
    )
    assert mapped.count == held.count == 40
    assert mapped.validation is None
    order = torch.randperm(40)
    for inputs in (mapped, held):
        inputs.batches.begin(0, order)
    mapped.expect(order, 16)
    for chosen in torch.split(order, 16):
        for one, other in zip(mapped.batches.gather(chosen), held.batches.gather(chosen), strict=True):
            assert torch.equal(one, other)
    for view in ten(256, 256, 224):
        chosen = torch.tensor([3, 11, 0])
        assert torch.equal(mapped.test.see(chosen, view), held.test.see(chosen, view))
    assert torch.equal(mapped.sample.images.labels, held.sample.images.labels)
