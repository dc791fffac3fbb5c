"""Weights of others: torchvision's `alexnet`, and Caffe's `bvlc_alexnet` as a NumPy archive.

Tensors are named after their layer: `conv1.weight` (maps, maps of the column before, 11, 11), `conv1.bias`.

Caffe's archive is made on a machine with Caffe, from the published model and its deploy.prototxt:

    net = caffe.Net("deploy.prototxt", "bvlc_alexnet.caffemodel", caffe.TEST)
    blobs = {f"{layer}.{i}": blob.data for layer in net.params for i, blob in enumerate(net.params[layer])}
    numpy.savez("bvlc_alexnet.npz", **blobs)

Its images are 0–255 in the order blue, green, red, minus a mean in that order. `load_caffe` reorders conv1's
kernels to red, green, blue, so that the network takes images and mean in the order used everywhere else here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.contract.errors import DataError
from harness.models.network import Net

TORCHVISION_LAYERS = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3": "features.6",
    "conv4": "features.8",
    "conv5": "features.10",
    "fc6": "classifier.1",
    "fc7": "classifier.4",
    "fc8": "classifier.6",
}


def state(net: Net) -> dict[str, Tensor]:
    """The network's parameters by layer name; they share memory with the network."""
    named: dict[str, Tensor] = {}
    for layer, weight, bias in net.weighted():
        named |= {f"{layer.name}.weight": weight.detach(), f"{layer.name}.bias": bias.detach()}
    return named


def load_torchvision(net: Net, tensors: Mapping[str, Tensor], source: str = "torchvision's state") -> Net:
    """Loads a state dict of torchvision's `alexnet` into a network of the `torchvision` description."""
    renamed = {
        f"{ours}.{part}": tensors[f"{theirs}.{part}"]
        for ours, theirs in TORCHVISION_LAYERS.items()
        for part in ("weight", "bias")
        if f"{theirs}.{part}" in tensors
    }
    return assign(net, renamed, source)


def load_caffe(net: Net, path: Path) -> Net:
    """Loads an archive of Caffe's blobs (see above) into a network of the `caffe` description."""
    blobs = _archive(path)
    tensors = {}
    for name, parameter in state(net).items():
        layer, part = name.rsplit(".", 1)
        key = f"{layer}.{0 if part == 'weight' else 1}"
        if key in blobs:
            # Caffe of 2014 stored dense weights and biases with leading sides of one.
            tensors[name] = _without_leading_ones(torch.from_numpy(blobs[key]), parameter.dim())
    kernels = tensors.get("conv1.weight")
    if kernels is not None and kernels.dim() == 4:
        tensors["conv1.weight"] = kernels.flip(1)
    return assign(net, tensors, str(path))


@torch.no_grad()
def assign(net: Net, tensors: Mapping[str, Tensor], source: str) -> Net:
    """Copies the tensors into the network once all have been checked; DataError names the first bad one."""
    name = net.description.name
    targets = state(net)
    if extra := sorted(set(tensors) - set(targets)):
        raise DataError(f"{source}: {extra[0]} has no place in the network '{name}'; choose another network")
    for key, target in targets.items():
        if key not in tensors:
            raise DataError(f"{source}: {key} is missing; the network '{name}' needs {len(targets)} tensors")
        if tensors[key].shape != target.shape:
            found, needed = (tuple(t.shape) for t in (tensors[key], target))
            raise DataError(f"{source}: {key} is {found}, '{name}' needs {needed}; choose another network")
        if not tensors[key].isfinite().all():
            raise DataError(f"{source}: {key} has numbers that are not finite; use weights of a sound run")
    for key, target in targets.items():
        target.copy_(tensors[key])
    return net


def _archive(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, Mapping):
                raise ValueError("it holds a single array")
            return {key: np.asarray(archive[key], dtype=np.float32) for key in archive}
    except FileNotFoundError:
        raise DataError(f"no weights at {path}; {__name__} says how to make the archive") from None
    except Exception as error:  # NumPy may raise anything
        raise DataError(f"{path} is not an .npz archive ({error}); {__name__} says how to make one") from None


def _without_leading_ones(blob: Tensor, sides: int) -> Tensor:
    while blob.dim() > sides and blob.shape[0] == 1:
        blob = blob[0]
    return blob
