"""Weights that others published: how to read them, what inputs they take, what errors were reported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from harness.contract.errors import DataError
from harness.models import weights
from harness.models.alexnet import alexnet
from harness.models.network import Net

CLASSIFIERS = ("fc8.weight", "classifier.6.weight")  # ours and torchvision's names of the last layer


@dataclass(frozen=True)
class Normalisation:
    """What is done to pixels of 0–255, in the order red, green, blue: (x / white − mean) / deviation.

    A mean of None is the training set's mean image, which every view takes its own part of.
    """

    white: float = 1.0
    mean: tuple[float, float, float] | None = None
    deviation: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Published:
    """Errors in percent as reported, on what, seen how, and by whom."""

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
    """The variant with the weights of a file, in testing mode, with as many classes as these tell apart.

    `.npz` holds Caffe's blobs; `.safetensors`, `.pth` and `.pt` our names of the layers or torchvision's.
    """
    if path.suffix == ".npz":
        return weights.load_caffe(Net(alexnet(variant)), path).eval()
    tensors = _tensors(path)
    classes = next((len(tensors[name]) for name in CLASSIFIERS if name in tensors), 1000)
    net = Net(alexnet(variant, classes=classes))
    theirs = CLASSIFIERS[1] in tensors
    return (weights.load_torchvision if theirs else weights.assign)(net, tensors, str(path)).eval()


def _tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise DataError(f"no weights at {path}; give the path of a .safetensors, .pth or .npz file")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # both readers raise whatever they stumble over
        raise DataError(f"{path} holds no weights that can be read; write or fetch it again") from None
    if not isinstance(found, dict) or not all(isinstance(t, Tensor) for t in found.values()):
        raise DataError(f"{path} is no state dict of tensors; save the network's state_dict() alone")
    return found
