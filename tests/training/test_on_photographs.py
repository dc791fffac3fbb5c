"""From a folder of JPEGs to ten-view errors: packed, trained by the recipe, and killed twice on the way."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from harness.cli.running.choices import source_for
from harness.contract.errors import DataError
from harness.data import datasets, folders, sources
from harness.data.datasets import load
from harness.data.inputs import mapped, resident
from harness.data.packing.prepare import prepare
from harness.data.views import ten
from harness.plans.protocols import IMAGENET, IMAGENETTE
from tests.training.on_photographs import SMALL

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def slice_of_imagenette() -> Path:
    """The folder with Imagenette's train/ and val/."""
    found = sources.find("imagenette", None)
    if found is None or found.place is None or folders.packed(found.place):
        pytest.skip("needs Imagenette: unpack it, and name its parent folder in $REPRO_DATA")
    return found.place


@pytest.fixture(scope="module")
def packed(slice_of_imagenette: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of six photographs from each of Imagenette's classes."""
    few, data = tmp_path_factory.mktemp("few"), tmp_path_factory.mktemp("data")
    for split, count in (("train", 4), ("val", 2)):
        for source in sorted((slice_of_imagenette / split).iterdir()):
            target = few / split / source.name
            target.mkdir(parents=True)
            for image in sorted(source.iterdir())[:count]:
                shutil.copy(image, target)
    pack = prepare("imagenette", few, data, 1)
    assert pack is not None
    return pack


@dataclass(frozen=True)
class Training:
    """A training of one size, with its checkpoint and artifact in a folder."""

    size: str
    data: Path
    folder: Path

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.training.on_photographs", self.size, self.data, self.folder]
        return subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def killed_at(self, epoch: float) -> None:
        """Starts or resumes, and kills the process the moment it reports this epoch."""
        process = self.start()
        assert process.stdout is not None
        told = [float(process.stdout.readline())]
        while told[-1] < epoch:
            told.append(float(process.stdout.readline()))
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        assert told[0] <= epoch

    def finished(self) -> tuple[list[float], object]:
        """Resumes to the end: the epochs that it reported, and its outcome without clocks."""
        process = self.start()
        out, _ = process.communicate()
        *epochs, outcome = out.splitlines()
        assert process.returncode == 0
        return list(map(float, epochs)), json.loads(outcome)


def check_killed_twice(size: str, data: Path, folder: Path) -> None:
    _, whole = Training(size, data, folder / "whole").finished()
    broken = Training(size, data, folder / "broken")
    broken.killed_at(1.5)
    broken.killed_at(2.5)
    left, found = broken.finished()
    assert left[0] > 1.5  # it did resume from a checkpoint
    assert whole == found
    files = [(folder / name / "own.safetensors").read_bytes() for name in ("whole", "broken")]
    assert files[0] == files[1]


def test_killed_twice_it_is_the_unbroken_training_bit_for_bit(packed: Path, tmp_path: Path) -> None:
    check_killed_twice("small", packed, tmp_path)


@pytest.mark.slow
def test_so_is_the_full_network_on_every_photograph(slice_of_imagenette: Path, tmp_path: Path) -> None:
    pack = prepare("imagenette", slice_of_imagenette, tmp_path, None)
    assert pack is not None
    check_killed_twice("full", pack, tmp_path)


def test_mapped_inputs_are_those_that_lie_in_memory(packed: Path) -> None:
    cpu = torch.device("cpu")
    from_pack = mapped.inputs(SMALL, 3, packed, cpu)
    held = resident.assemble(
        SMALL, 3, load("imagenette", packed, True), load("imagenette", packed, False), cpu
    )
    assert from_pack.count == held.count == 40
    assert from_pack.validation is None
    order = torch.randperm(40)
    for inputs in (from_pack, held):
        inputs.batches.begin(0, order)
    batches = (inputs.batches.each(order, 16) for inputs in (from_pack, held))
    for one, other in zip(*batches, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])
    for view in ten(256, 256, 224):
        chosen = torch.tensor([3, 11, 0])
        assert torch.equal(from_pack.test.see(chosen, view), held.test.see(chosen, view))
    assert torch.equal(from_pack.sample.images.labels, held.sample.images.labels)


def test_errors_are_counted_on_no_other_split_than_declared(packed: Path, tmp_path: Path) -> None:
    """ILSVRC-2010's are counted on test images; validation images steer its training."""
    other = Path(shutil.copytree(packed, tmp_path / "imagenet-2010.pack"))
    index = (other / "index.json").read_text()
    (other / "index.json").write_text(index.replace('"imagenette"', '"imagenet-2010"'))
    with pytest.raises(DataError, match="has no test images, on which errors on ILSVRC-2010 are counted"):
        source_for(replace(IMAGENET, dataset="imagenet-2010"), tmp_path)
    (tmp_path / "imagenette.pack").symlink_to(packed)
    found = source_for(IMAGENETTE, tmp_path)
    assert found
    assert found.place == tmp_path / "imagenette.pack"


def test_images_of_a_pack_are_held_out_as_those_of_a_folder_are(packed: Path) -> None:
    """The last images of the fixed shuffle are tested on, whatever the seed, and none is trained on."""
    kept = mapped.inputs(replace(SMALL, held_out=4), 3, packed, torch.device("cpu"))
    whole = datasets.split(packed, "train")
    _, last = whole.parted(4)
    assert kept.count == min(SMALL.images or len(whole), len(whole) - 4)
    assert torch.equal(kept.test.images.pixels, last.pixels)
    assert kept.validation is None
    held = {tuple(image.flatten().tolist()) for image in last.pixels}
    trained = {tuple(image.flatten().tolist()) for image in kept.sample.images.pixels}
    assert not held & trained
