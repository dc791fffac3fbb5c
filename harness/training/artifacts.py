"""What a training leaves to other trials: its weights and predictions, in one safetensors file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.models.description import Network
from harness.models.network import Net


def save(path: Path, net: Net, more: Mapping[str, Tensor]) -> None:
    """Writes the network's weights and `more` beside `path` and renames, so that `path` is always whole."""
    tensors = {f"net.{name}": value for name, value in net.state_dict().items()} | dict(more)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        save_file({name: t.detach().contiguous().cpu() for name, t in tensors.items()}, beside)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def network(path: Path, description: Network) -> Net:
    """The trained network, in testing mode, on the CPU."""
    net = Net(description)
    tensors = load_file(path)
    net.load_state_dict({n.removeprefix("net."): t for n, t in tensors.items() if n.startswith("net.")})
    return net.eval()


def tensor(path: Path, name: str) -> Tensor:
    """One of the tensors that were left beside the weights."""
    return load_file(path)[name]
