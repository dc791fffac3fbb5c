"""Files of weights: given ones, checkpoints, and what trainings save for other trials."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import safetensors
import torch
from safetensors.torch import save as safe
from torch import Tensor

from harness.models import published, weights
from harness.models.alexnet import alexnet
from harness.models.cifar10 import eleven
from harness.models.network import Net
from harness.training import artifacts, checkpoint
from tests.faults.inputs.target import REFUSED, TAKEN, Evil, Target, WrongVerdict

SMALL = partial(alexnet, width=0.02)


def targets(folder: Path) -> list[Target]:
    """What `evaluate --weights` may be given, and the networks' files in a results folder."""
    net = Net(SMALL("torchvision", classes=7)).initialise(0)
    return [_given(folder, net), _checkpoints(folder, net), _artifacts(folder)]


def _given(folder: Path, net: Net) -> Target:
    state = {name: tensor.clone() for name, tensor in weights.state(net).items()}
    caffe = weights.state(Net(SMALL("caffe")).initialise(0))
    blobs = {f"{n[: n.rindex('.')]}.{int(n.endswith('bias'))}": t.numpy() for n, t in caffe.items()}
    seeds = {
        "torchvision.safetensors": safe(state),
        "torchvision.pth": _saved(partial(torch.save, state)),
        "torchvision.pt": _saved(partial(torch.save, state, _use_new_zipfile_serialization=False)),
        "caffe.npz": _saved(lambda file: np.savez_compressed(file, **blobs)),
    }
    evil = {**state, "conv1.weight": Evil(folder)}
    hostile = {
        "torchvision.pth": _saved(partial(torch.save, evil)),
        "torchvision.pt": _saved(partial(torch.save, evil, _use_new_zipfile_serialization=False)),
        "caffe.npz": _saved(lambda file: np.savez(file, a=np.array([Evil(folder)], object))),
    }
    paths = [folder / name for name in (*seeds, *hostile)]

    def read(content: bytes, number: int) -> str:
        path = paths[number]
        path.write_bytes(content)
        own, published.alexnet = published.alexnet, SMALL  # type: ignore[assignment]
        try:
            found = published.load(path.stem, path)
        finally:
            published.alexnet = own
        if not all(tensor.isfinite().all() for tensor in weights.state(found).values()):
            raise WrongVerdict("weights are not finite")
        return TAKEN

    return Target("weights for evaluation", 15, [*seeds.values(), *hostile.values()], read)


def _saved(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def _checkpoints(folder: Path, net: Net) -> Target:
    """A damaged checkpoint counts as none, so its trial starts over."""
    row = {"epoch": 1.0, "loss": None}
    state = {"loop": {"net": net.state_dict(), "wall": 1.0}, "curve": [row]}
    path = folder / "checkpoint.pt"

    def read(content: bytes, number: int) -> str:
        path.write_bytes(content)
        found = checkpoint.load(path)
        if found is None:
            return REFUSED
        if found.keys() != state.keys() or found["curve"] != [row]:
            raise WrongVerdict("a damaged checkpoint was read as another")
        return TAKEN

    seeds = [_saved(partial(torch.save, one)) for one in (state, {**state, "curve": Evil(folder)})]
    return Target("checkpoints", 30, seeds, read)


def _artifacts(folder: Path) -> Target:
    """They are read by trials, whose errors become failed records: errors of libraries are expected here."""
    network = eleven()
    path = folder / "artifact.safetensors"
    artifacts.save(path, Net(network).initialise(0), {"probabilities": torch.full((4, 10), 0.1).half()})

    def read(content: bytes, number: int) -> str:
        path.write_bytes(content)
        net, found = artifacts.network(path, network), artifacts.tensor(path, "probabilities")
        if not isinstance(found, Tensor) or net.training:
            raise WrongVerdict("an artifact was read as something else")
        return TAKEN

    errors = (safetensors.SafetensorError, KeyError, RuntimeError, OSError)
    return Target("artifacts, as trials read them", 10, [path.read_bytes()], read, expected=errors)
