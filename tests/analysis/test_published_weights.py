"""Given weights on photographs: torchvision's own pipeline, every file format, and what does not fit."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from rich.console import Console
from safetensors.torch import save_file
from torchvision import models
from typer.testing import CliRunner

import repro
from harness.analysis import published_weights
from harness.analysis.published_weights import IMAGENETTE, EvaluationRequest, Normalised
from harness.cli.commands import evaluate
from harness.cli.terminal.progress import Lines
from harness.contract import numerics
from harness.contract.device import Device, DeviceKind
from harness.contract.errors import BadValue, DataError, UnknownName
from harness.contract.numerics import Numerics
from harness.data import photographs
from harness.data.images import Images
from harness.data.views import Augmentation, centre
from harness.models import published, weights
from harness.models.alexnet import alexnet
from harness.models.network import Net
from tests.fakes.photographs import contents, folders, native, shared


@pytest.fixture(autouse=True)
def _numerics_of_tests() -> Iterator[None]:
    yield
    numerics.apply(Numerics())


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an imagenette of three classes."""
    folder = tmp_path_factory.mktemp("data")
    folders(folder / "imagenette", contents({"train": 3, "val": 3}))
    return folder


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> tuple[models.AlexNet, Path]:
    """Torchvision's network with random weights that favour imagenette's classes, and its file."""
    torch.manual_seed(0)
    net = models.alexnet(weights=None).eval()
    net.classifier[6].bias.data[list(IMAGENETTE.values())] += 1
    path = tmp_path_factory.mktemp("weights") / "alexnet.pth"
    torch.save(net.state_dict(), path)
    return net, path


@torch.no_grad()
def test_torchvision_s_weights_see_what_its_transforms_make(theirs: tuple[models.AlexNet, Path]) -> None:
    """Inputs bit for bit, logits to rounding, for photographs at their native sizes."""
    files, transform = native()[::12], models.AlexNet_Weights.IMAGENET1K_V1.transforms()
    pixels = torch.from_numpy(np.stack([photographs.decode(file) for file in files]))
    images = Images(pixels, torch.zeros(len(files), dtype=torch.int64))
    rule = published.NORMALISATIONS["torchvision"]
    views = Normalised(images, torch.zeros(256, 256, 3), Augmentation(), rule)
    found = views.see(torch.arange(len(files)), centre(256, 256, 224))
    expected = torch.stack([transform(Image.open(file).convert("RGB")) for file in files])
    assert torch.equal(found, expected)
    net = published.load("torchvision", theirs[1])
    torch.testing.assert_close(net(found), theirs[0](expected), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_errors_on_imagenette_are_those_of_torchvision_s_pipeline(
    theirs: tuple[models.AlexNet, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three images of each class of the shared slice, in batches that do not divide them."""
    monkeypatch.setattr(published_weights, "AT_ONCE", 11)
    kept = {name: photographs.image_files(shared("imagenette") / "val" / name)[:3] for name in IMAGENETTE}
    for split in ("train", "val"):
        for name, files in kept.items():
            (tmp_path / "imagenette" / split / name).mkdir(parents=True)
            for file in files:
                (tmp_path / "imagenette" / split / name / file.name).symlink_to(file)
    asked = EvaluationRequest(theirs[1], dataset="imagenette", views="centre", data_dir=tmp_path)
    (result,) = published_weights.evaluate(asked).results
    transform = models.AlexNet_Weights.IMAGENET1K_V1.transforms()
    inputs = [transform(Image.open(file).convert("RGB")) for files in kept.values() for file in files]
    best = theirs[0](torch.stack(inputs)).topk(5).indices
    right = best == torch.tensor([i for i in IMAGENETTE.values() for _ in range(3)])[:, None]
    assert result.images == 30
    assert 0 < result.top5 < 100
    assert result.top1 == pytest.approx(100 * (1 - right[:, 0].float().mean().item()))
    assert result.top5 == pytest.approx(100 * (1 - right.any(1).float().mean().item()))


def test_imagenette_s_classes_are_where_they_are_among_the_thousand() -> None:
    lines = (shared("ilsvrc") / "synset_words.txt").read_text().splitlines()
    wnids = [line.split()[0] for line in lines]
    assert all(wnids[i] == wnid for wnid, i in IMAGENETTE.items())


@torch.no_grad()
def test_our_own_weights_lose_the_mean_image(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net(alexnet("paper", width=0.05, classes=3)).initialise(1).eval()
    for parameter in net.parameters():
        parameter.mul_(3)
    files = photographs.listing(root / "imagenette", "val").files
    training = photographs.listing(root / "imagenette", "train").files
    mean = np.stack([photographs.decode(file) for file in training]).mean(0).astype(np.float32)
    inputs = np.stack([photographs.decode(file).astype(np.float32) - mean for file in files])
    cut = torch.from_numpy(inputs[:, 16:240, 16:240]).permute(0, 3, 1, 2)
    wrong = (net(cut).argmax(1) != torch.arange(9) // 3).float().mean().item()
    monkeypatch.setattr(published, "load", lambda variant, path: net)
    asked = EvaluationRequest(Path("ours"), "paper", "imagenette", views="centre", data_dir=root)
    found = published_weights.evaluate(asked)
    assert found.normalisation == "mean-image"
    assert found.results[0].top1 == pytest.approx(100 * wrong)
    images = Images(torch.from_numpy(np.stack([photographs.decode(f) for f in files])), torch.zeros(9).long())
    rule = published.NORMALISATIONS["mean-image"]
    views = Normalised(images, torch.from_numpy(mean), Augmentation(), rule)
    assert torch.equal(views.see(torch.arange(9), views.centre), cut)


def test_caffe_s_weights_lose_a_mean_colour() -> None:
    pixels = torch.full((1, 256, 256, 3), 200, dtype=torch.uint8)
    rule = published.NORMALISATIONS[published.normalisation_of("caffe")]
    views = Normalised(
        Images(pixels, torch.zeros(1).long()), torch.ones(256, 256, 3), Augmentation(227), rule
    )
    seen = views.see(torch.tensor([0]), views.centre)
    assert seen.shape == (1, 3, 227, 227)
    expected = 200 - torch.tensor([122.67891434, 116.66876762, 104.00698793])
    torch.testing.assert_close(seen[0, :, 5, 7], expected)


@pytest.mark.parametrize("name", ["a.pth", "a.safetensors", "ours.safetensors"])
def test_every_format_gives_the_same_network(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "alexnet", partial(alexnet, width=0.05))
    path, net = tmp_path / name, Net(alexnet("torchvision", width=0.05, classes=7)).initialise(2)
    state = weights.state(net)
    renamed = {
        f"{theirs}.{part}": state[f"{ours}.{part}"].clone()
        for ours, theirs in weights.TORCHVISION_LAYERS.items()
        for part in ("weight", "bias")
    }
    if name == "a.pth":
        torch.save(renamed, path)
    else:
        save_file(renamed if name == "a.safetensors" else state, path)
    loaded = published.load("torchvision", path)
    assert loaded.description.output == (7,)
    assert not loaded.training
    assert all(torch.equal(tensor, weights.state(loaded)[key]) for key, tensor in state.items())


def test_the_command_prints_a_table_and_json(root: Path, theirs: tuple[models.AlexNet, Path]) -> None:
    asked = EvaluationRequest(theirs[1], dataset="imagenette", data_dir=root)
    followed, text = StringIO(), StringIO()
    found = evaluate.evaluate(asked, Lines(Console(file=followed), interval=0.01, patience=0))
    assert [result.views for result in found.results] == ["centre", "ten"]
    assert "seeing the images: 0 of 9 images" in followed.getvalue()
    evaluate.show(found, False, Console(file=text, width=160))
    assert "9 of imagenette val" in text.getvalue()
    assert "published: torchvision, IMAGENET1K_V1" in text.getvalue()
    assert str(found.data) in text.getvalue()
    printed = json.loads(json.dumps(evaluate.plain(found)))
    assert printed["results"][0] | {"top1": 0, "top5": 0} == {
        "views": "centre", "top1": 0, "top5": 0, "images": 9
    }  # fmt: skip
    assert printed["published"][0]["top1"] == 43.478
    command = ["evaluate", "--weights", "none.pth", "--data", "imagenette", "--data-dir", str(root)]
    with pytest.raises(DataError, match=r"no weights at none\.pth; give the path"):
        CliRunner().invoke(repro.app, command, catch_exceptions=False)


def test_on_a_gpu_it_computes_there_and_in_fp32(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """PyTorch's default would be TF32, and Triton's kernels would go to the first GPU."""
    applied: list[Numerics] = []
    used: list[Device] = []
    monkeypatch.setattr(evaluate.numerics, "apply", applied.append)
    monkeypatch.setattr(evaluate.gpus, "use", used.append)
    asked = EvaluationRequest(Path("none.pth"), data_dir=root, device=Device(DeviceKind.CUDA, 1))
    with pytest.raises(DataError):
        evaluate.evaluate(asked, Lines(Console(file=StringIO())))
    assert ([one.tf32 for one in applied], used) == ([False], [asked.device])


def test_what_does_not_fit_is_said(root: Path, tmp_path: Path, theirs: tuple[models.AlexNet, Path]) -> None:
    good = EvaluationRequest(theirs[1], dataset="imagenette", data_dir=root)

    def refused(**changes: object) -> str:
        with pytest.raises((BadValue, DataError, UnknownName)) as error:
            published_weights.evaluate(replace(good, **changes))
        assert "\n" not in str(error.value)
        return str(error.value)

    (tmp_path / "junk.pth").write_bytes(b"junk")
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    torch.save({"epoch": 3}, tmp_path / "more.pth")
    torch.save({"classifier.6.weight": torch.zeros(4, 4096)}, tmp_path / "part.pth")
    for name in ("junk.pth", "junk.safetensors"):
        assert "holds no weights that can be read" in refused(weights=tmp_path / name)
    assert "is not a state dict of tensors" in refused(weights=tmp_path / "more.pth")
    assert "conv1.weight is missing" in refused(weights=tmp_path / "part.pth")
    assert "unknown choice of views 'all'" in refused(views="all")
    assert "unknown normalisation 'none'" in refused(normalisation="none")
    assert "unknown network 'resnet'" in refused(variant="resnet")
    assert "has images of 32 pixels" in refused(dataset="cifar10")
    assert "no imagenet found" in refused(dataset="imagenet")
    assert "test is missing" in refused(split="test")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published, "load", lambda *_: Net(alexnet("torchvision", width=0.05, classes=4)))
        assert "has 4 classes and imagenette has 3" in refused()


class Evil:
    """What a pickle may ask for: a function to be called when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.marker),)


def test_weights_that_are_a_program_are_not_run(tmp_path: Path) -> None:
    torch.save({"conv1.weight": Evil(tmp_path / "ran")}, tmp_path / "new.pth")
    torch.save({"a": Evil(tmp_path / "ran")}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Evil(tmp_path / "ran")))
    np.savez(tmp_path / "a.npz", **{"conv1.0": np.array([Evil(tmp_path / "ran")], object)})
    for name in ("new.pth", "old.pt", "plain.pth", "a.npz"):
        with pytest.raises(DataError, match=rf"{name} (holds no weights|is not an \.npz)"):
            published.load("caffe", tmp_path / name)
    assert not (tmp_path / "ran").exists()


# Its indices are more than torch 2.15 reads of a file.
OF_SPARSE = "holds no weights that can be read" if torch.__version__ >= "2.15" else "is not a state dict"
SPREAD = torch.zeros(1).expand(20_000, 2**40)  # two numbers in a file, and exabytes in memory


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"classifier.6.weight": SPREAD}, "is not a state dict"),
        ({"classifier.6.weight": torch.zeros(50_000_000, 0)}, "conv1.weight is missing"),
        ({"classifier.6.weight": torch.zeros(())}, "conv1.weight is missing"),
        ({"classifier.6.weight": torch.zeros(0, 4096)}, "conv1.weight is missing"),
        ({"classifier.6.bias": torch.zeros(3, dtype=torch.complex64)}, "is not a state dict"),
        ({"classifier.6.bias": torch.zeros(3).to_sparse()}, OF_SPARSE),
        ({"classifier.6.bias": torch.zeros(3, dtype=torch.int64)}, "is not a state dict"),
        ({3: torch.zeros(3)}, "is not a state dict"),
        ([torch.zeros(3)], "is not a state dict"),
    ],
    ids=range(9),
)
def test_tensors_that_no_network_has_are_refused(tensors: object, said: str, tmp_path: Path) -> None:
    torch.save(tensors, tmp_path / "a.pth")
    with pytest.raises(DataError, match=said):
        published.load("torchvision", tmp_path / "a.pth")


def test_numbers_that_are_too_large_for_the_network_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published, "alexnet", partial(alexnet, width=0.05))
    state = weights.state(Net(alexnet("torchvision", width=0.05, classes=7)).initialise(2))
    torch.save({**state, "fc8.bias": torch.full((7,), 1e300, dtype=torch.float64)}, tmp_path / "a.pth")
    with pytest.raises(DataError, match=r"fc8\.bias has numbers that are not finite"):
        published.load("torchvision", tmp_path / "a.pth")


@pytest.mark.parametrize("suffix", [".npz", ".pth", ".safetensors"])
def test_a_file_that_unpacks_to_too_much_or_is_none_is_refused(suffix: str, tmp_path: Path) -> None:
    bomb = tmp_path / f"bomb{suffix}"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conv1.0.npy", b"")
        archive.infolist()[0].file_size = 1 << 40  # as its list will say
    with pytest.raises(DataError, match="more than any weights; fetch it again"):
        published.load("caffe", bomb)
    pipe = tmp_path / f"pipe{suffix}"
    os.mkfifo(pipe)
    with pytest.raises(DataError, match=rf"no weights at {pipe}"):
        published.load("caffe", pipe)
