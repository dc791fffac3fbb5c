"""Weights of others: torchvision's and Caffe's networks, two columns by hand, and broken files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from harness.contract.errors import DataError
from harness.models.alexnet import VARIANTS, alexnet
from harness.models.network import Net
from harness.models.weights import TORCHVISION_LAYERS, assign, load_caffe, load_torchvision, state

SMALL = {"side": 67, "width": 0.05, "classes": 7}


def blobs(net: Net) -> dict[str, np.ndarray]:
    """What Caffe would have for the network's own weights: conv1 takes blue, green, red."""
    found = {}
    for name, tensor in state(net).items():
        layer, part = name.rsplit(".", 1)
        values = tensor.flip(1) if name == "conv1.weight" else tensor
        found[f"{layer}.{0 if part == 'weight' else 1}"] = values.numpy().copy()
    return found


def caffe_norm(x: Tensor) -> Tensor:
    """Caffe's LRN, map by map: k = 1, α / n, windows over all maps."""
    out = torch.empty_like(x)
    for c in range(x.shape[1]):
        squares = x[:, max(0, c - 2) : c + 3].square().sum(1)
        out[:, c] = x[:, c] / (1 + 1e-4 / 5 * squares) ** 0.75
    return out


def caffe_forward(w: dict[str, np.ndarray], bgr: Tensor) -> Tensor:
    """bvlc_alexnet in testing, from its blobs, with a separate convolution for each group."""

    def conv(x: Tensor, name: str, groups: int = 1, **options: int) -> Tensor:
        weight, bias = torch.tensor(w[f"{name}.0"]), torch.tensor(w[f"{name}.1"])
        parts = zip(x.chunk(groups, 1), weight.chunk(groups), bias.chunk(groups), strict=True)
        return functional.relu(torch.cat([functional.conv2d(a, k, b, **options) for a, k, b in parts], 1))

    def pool(x: Tensor) -> Tensor:
        return functional.max_pool2d(x, 3, 2, ceil_mode=True)

    x = pool(caffe_norm(conv(bgr, "conv1", stride=4)))
    x = pool(caffe_norm(conv(x, "conv2", 2, padding=2)))
    x = conv(conv(x, "conv3", padding=1), "conv4", 2, padding=1)
    x = pool(conv(x, "conv5", 2, padding=1)).reshape(len(bgr), -1)  # map, row, column
    for name in ("fc6", "fc7"):
        x = functional.relu(x @ torch.tensor(w[f"{name}.0"]).T + torch.tensor(w[f"{name}.1"]))
    return x @ torch.tensor(w["fc8.0"]).T + torch.tensor(w["fc8.1"])


@torch.no_grad()
def test_caffe_s_blobs_give_caffe_s_logits(tmp_path: Path) -> None:
    """Biases and weights large enough for normalisation, groups and channel order to show."""
    network = alexnet("caffe", side=131, width=0.1, classes=9)
    net = Net(network)
    torch.manual_seed(0)
    for parameter in net.parameters():
        parameter.normal_(0, 0.15)
    made = blobs(net)
    np.savez(tmp_path / "bvlc_alexnet.npz", **made)
    loaded = load_caffe(Net(network), tmp_path / "bvlc_alexnet.npz").eval()
    images = torch.rand(2, 3, 131, 131) * 255 - 117  # red, green, blue
    expected = caffe_forward(made, images.flip(1))
    torch.testing.assert_close(loaded(images), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))
    assert not torch.allclose(loaded(images.flip(1)), expected, rtol=1e-2)
    last = images.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(loaded(last), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_blobs_of_2014_have_leading_sides_of_one(tmp_path: Path) -> None:
    network = alexnet("caffe", **SMALL)
    net = Net(network).initialise(0)
    old = {k: v.reshape((1,) * (4 - v.ndim) + v.shape) for k, v in blobs(net).items()}
    assert old["fc6.0"].ndim == old["conv1.1"].ndim == 4
    np.savez(tmp_path / "old.npz", **old)
    loaded = load_caffe(Net(network), tmp_path / "old.npz")
    assert all(torch.equal(a, b) for a, b in zip(state(net).values(), state(loaded).values(), strict=True))


@pytest.mark.parametrize("training", [False, True])
def test_torchvision_s_weights_give_torchvision_s_logits(training: bool) -> None:
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(0)
    theirs = models.alexnet(weights=None, dropout=0.0 if training else 0.5).train(training)
    ours = Net(alexnet("torchvision", dropout=0.0) if training else VARIANTS["torchvision"]).train(training)
    load_torchvision(ours, theirs.state_dict())
    x = torch.randn(2, 3, 224, 224)
    a, b = ours(x), theirs(x)
    torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    if training:
        a[:, 0].sum().backward()
        b[:, 0].sum().backward()
        grads = {n: p.grad for n, p in theirs.named_parameters()}
        for layer, weight, bias in ours.weighted():
            name = TORCHVISION_LAYERS[layer.name]
            torch.testing.assert_close(weight.grad, grads[f"{name}.weight"], rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(bias.grad, grads[f"{name}.bias"], rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_paper_is_two_columns_written_out() -> None:
    """§3.5: two GPUs that communicate in conv3 and dense layers alone; α not divided; × 0.5 in testing."""
    net = Net(VARIANTS["paper"]).initialise(3).eval()
    w = {name: tensor * (1 if "bias" in name else 3) for name, tensor in state(net).items()}
    assign(net, w, "test")
    x = torch.randn(2, 3, 224, 224)

    def norm(x: Tensor) -> Tensor:
        sums = functional.pad(x.square(), (0, 0, 0, 0, 2, 2)).unfold(1, 5, 1).sum(-1)
        return x / (2 + 1e-4 * sums) ** 0.75

    def half(tensor: Tensor, gpu: int) -> Tensor:
        return tensor.chunk(2)[gpu]

    def conv(x: Tensor, name: str, gpu: int, **options: int) -> Tensor:
        kernels, bias = half(w[f"{name}.weight"], gpu), half(w[f"{name}.bias"], gpu)
        return functional.conv2d(x, kernels, bias, **options).relu()

    image = functional.pad(x, (0, 3, 0, 3))
    columns = []
    for gpu in (0, 1):
        y = functional.max_pool2d(norm(conv(image, "conv1", gpu, stride=4)), 3, 2)
        assert y.shape[1:] == (48, 27, 27)
        columns.append(functional.max_pool2d(norm(conv(y, "conv2", gpu, padding=2)), 3, 2))
    both = torch.cat(columns, 1)  # conv3 sees both
    columns = []
    for gpu in (0, 1):
        y = conv(both, "conv3", gpu, padding=1)
        y = conv(conv(y, "conv4", gpu, padding=1), "conv5", gpu, padding=1)
        columns.append(functional.max_pool2d(y, 3, 2))
    y = torch.cat(columns, 1).flatten(1)
    for name in ("fc6", "fc7"):
        y = 0.5 * torch.cat(
            [(y @ half(w[f"{name}.weight"], gpu).T + half(w[f"{name}.bias"], gpu)).relu() for gpu in (0, 1)],
            1,
        )
    expected = y @ w["fc8.weight"].T + w["fc8.bias"]
    torch.testing.assert_close(net(x), expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


def test_files_that_are_not_whole(tmp_path: Path) -> None:
    net = Net(alexnet(**SMALL)).initialise(0)
    with pytest.raises(DataError, match=r"no weights at .*b\.npz; harness\.models\.weights says how"):
        load_caffe(net, tmp_path / "b.npz")
    (tmp_path / "b.npz").write_bytes(b"PK\x03\x04 not an archive")
    with pytest.raises(DataError, match=r"b\.npz is not an \.npz archive"):
        load_caffe(net, tmp_path / "b.npz")
    np.save(tmp_path / "c.npy", np.zeros(3))
    with pytest.raises(DataError, match=r"c\.npy is not an \.npz archive"):
        load_caffe(net, tmp_path / "c.npy")


def test_weights_that_do_not_fit_change_nothing() -> None:
    net = Net(alexnet(**SMALL)).initialise(0)
    before = {name: tensor.clone() for name, tensor in state(net).items()}
    good = {name: torch.zeros_like(tensor) for name, tensor in before.items()}
    broken = good["fc8.bias"].clone()
    broken[2] = float("nan")
    for bad, complaint in (
        (
            {k: v for k, v in good.items() if k != "fc8.bias"},
            "fc8.bias is missing; the network 'paper' needs 16",
        ),
        ({**good, "fc8.bias": torch.zeros(3)}, r"fc8.bias is \(3,\), 'paper' needs \(7,\)"),
        ({**good, "fc9.bias": torch.zeros(3)}, "fc9.bias has no place in the network 'paper'"),
        ({**good, "fc8.bias": broken}, "fc8.bias has numbers that are not finite"),
    ):
        with pytest.raises(DataError, match=f"somewhere: {complaint}"):
            assign(net, bad, "somewhere")
        assert all(torch.equal(before[name], tensor) for name, tensor in state(net).items())
