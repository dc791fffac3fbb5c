"""Weights published by others: how to read them, which inputs they take, which errors were reported."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from harness.contract.errors import DataError
from harness.models import weights
from harness.models.alexnet import alexnet
from harness.models.network import Net

LARGEST = 4 << 30  # bytes; the paper's network has a quarter of a billion
MOST_CLASSES = 30_000  # all of ImageNet has 22,000
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
CLASSIFIERS = ("fc8.weight", "classifier.6.weight")  # ours and torchvision's names of the last layer


@dataclass(frozen=True)
class Normalisation:
    """How pixels of 0–255 are normalised, in the order red, green, blue: (x / white − mean) / deviation.

    A mean of None is the training set's mean image, of which every view subtracts its own part.
    """

    white: float = 1.0
    mean: tuple[float, float, float] | None = None
    deviation: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Published:
    """Reported errors in percent, with who reported them, on which images, by which views."""

    source: str
    dataset: str
    split: str
    views: str
    top1: float
    top5: float


NORMALISATIONS = {
    "mean-image": Normalisation(),
    "torchvision": Normalisation(255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    # The mean colour of ILSVRC-2012 that Caffe's own Python example subtracts, here as red, green, blue.
    "caffe": Normalisation(mean=(122.67891434, 116.66876762, 104.00698793)),
}
TAKES = {"torchvision": "torchvision", "caffe": "caffe", "caffenet": "caffe"}
PUBLISHED = {
    "torchvision": (Published("torchvision, IMAGENET1K_V1", "imagenet", "val", "centre", 43.478, 20.934),),
    "caffe": (Published("bvlc_alexnet, Caffe's model zoo", "imagenet", "val", "centre", 42.9, 19.8),),
    "caffenet": (
        Published("bvlc_reference_caffenet, Caffe's model zoo", "imagenet", "val", "centre", 42.6, 19.6),
    ),
    "paper": (
        Published("the paper, Table 2, one CNN", "imagenet", "val", "ten", 40.7, 18.2),
        Published("the paper, Table 1, CNN", "imagenet-2010", "test", "ten", 37.5, 17.0),
    ),
}


def normalisation_of(variant: str) -> str:
    """The name of the normalisation that a variant's weights take."""
    return TAKES.get(variant, "mean-image")


def load(variant: str, path: Path) -> Net:
    """The variant with the weights of a file, in evaluation mode, with as many classes as the weights have.

    `.npz` holds Caffe's blobs; `.safetensors`, `.pth` and `.pt` use our names of the layers or torchvision's.
    """
    if not path.is_file():
        raise DataError(f"no weights at {path}; give the path of a .safetensors, .pth or .npz file")
    _check_size(path)
    if path.suffix == ".npz":
        return weights.load_caffe(Net(alexnet(variant)), path).eval()
    tensors = _tensors(path)
    net = Net(alexnet(variant, classes=_classes(tensors)))
    theirs = CLASSIFIERS[1] in tensors
    return (weights.load_torchvision if theirs else weights.assign)(net, tensors, str(path)).eval()


def _check_size(path: Path) -> None:
    """DataError for a file that is larger than any weights, or an archive that unpacks to more."""
    size = path.stat().st_size
    with suppress(zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                size = max(size, sum(member.file_size for member in archive.infolist()))
    if size > LARGEST:
        raise DataError(f"{path} holds {size:,} bytes, more than any weights; fetch it again")


def _classes(tensors: dict[str, Tensor]) -> int:
    """How many classes the weights have; ImageNet's number if they do not say."""
    last = next((tensors[name] for name in CLASSIFIERS if name in tensors), None)
    return len(last) if last is not None and last.dim() == 2 and 0 < len(last) <= MOST_CLASSES else 1000


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        found = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except Exception:  # both readers may raise anything
        raise DataError(f"{path} holds no weights that can be read; write or fetch it again") from None
    if not isinstance(found, dict) or not all(isinstance(n, str) and _plain(t) for n, t in found.items()):
        raise DataError(f"{path} is not a state dict of tensors; save the network's state_dict() alone")
    return {name: tensor.float() for name, tensor in found.items()}


def _unpickled(path: Path) -> object:
    """What torch saved: tensors and containers alone, and no code is run."""
    return torch.load(path, map_location="cpu", weights_only=True)


def _plain(value: object) -> bool:
    """Whether it is a tensor that the file holds in full, rather than one expanded from a few numbers."""
    if not isinstance(value, Tensor) or value.layout is not torch.strided or value.dtype not in DTYPES:
        return False
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()
