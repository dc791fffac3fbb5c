"""Devices as they are requested, as torch names them, and as keys see them."""

from __future__ import annotations

import pytest

from harness.contract.device import CPU, CUDA, Device, DeviceKind
from harness.contract.errors import BadValue


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("cpu", CPU),
        ("cuda", CUDA),
        ("cuda:1", Device(DeviceKind.CUDA, 1)),
        ("cuda:0", Device(DeviceKind.CUDA, 0)),
    ],
)
def test_what_is_asked_for_is_what_torch_is_told(text: str, device: Device) -> None:
    assert Device.parse(text) == device
    assert device.torch == text
    assert device.cuda is text.startswith("cuda")


@pytest.mark.parametrize("text", ["", "gpu", "cpu:1", "cuda:", "cuda:x", "cuda:-1", "cuda:1:2", "CUDA"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadValue, match="is not one of auto, cpu, cuda"):
        Device.parse(text)


def test_several_are_said_to_be_several() -> None:
    assert str(Device(DeviceKind.CUDA, count=4)) == "4 × cuda"
    assert str(CPU) == "cpu"
