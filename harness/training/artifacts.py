"""What a training leaves to other trials: its weights and predictions, in one safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.models.description import Network
from harness.models.network import Net
from harness.records.files import whole


def save(path: Path, net: Net, more: Mapping[str, Tensor]) -> None:
    """Writes the network's weights and `more` atomically."""
    tensors = {f"net.{name}": value for name, value in net.state_dict().items()} | dict(more)
    with whole(path) as beside:
        save_file({name: t.detach().contiguous().cpu() for name, t in tensors.items()}, beside)


def network(path: Path, description: Network) -> Net:
    """The trained network, in evaluation mode, on the CPU."""
    net = Net(description)
    tensors = load_file(path)
    net.load_state_dict({n.removeprefix("net."): t for n, t in tensors.items() if n.startswith("net.")})
    return net.eval()


def tensor(path: Path, name: str) -> Tensor:
    """One of the tensors that were saved with the weights."""
    return load_file(path)[name]
