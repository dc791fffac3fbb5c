"""The stand-in for a missing CIFAR-10: ten learnable classes of coloured gratings."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from harness.contract.streams import generator

TRAIN, TEST, SIDE = 10_000, 2_000, 32


def gratings(train: bool) -> tuple[Tensor, Tensor]:
    """Pixels uint8 (N, 32, 32, 3) and labels int64 (N,): five orientations in two colours, under noise."""
    count = TRAIN if train else TEST
    stream = generator(0, "gratings", "train" if train else "test")
    labels = torch.arange(count) % 10
    angle = (labels // 2) * (math.pi / 5) + 0.1 * torch.randn(count, generator=stream)
    phase = 2 * math.pi * torch.rand(count, generator=stream)
    wave = torch.sin(_along(angle) * 0.9 + phase[:, None, None])
    tint = torch.tensor([[1.0, 0.4, 0.1], [0.1, 0.4, 1.0]])[labels % 2]
    noise = 45.0 * torch.randn((count, SIDE, SIDE, 3), generator=stream)
    pixels = 128 + 60 * wave[..., None] * tint[:, None, None] + noise
    return pixels.clamp_(0, 255).to(torch.uint8), labels


def _along(angle: Tensor) -> Tensor:
    """Every pixel's coordinate in direction `angle` (N,), as (N, 32, 32)."""
    axis = torch.arange(SIDE, dtype=torch.float32)
    return torch.cos(angle)[:, None, None] * axis + torch.sin(angle)[:, None, None] * axis[:, None]
