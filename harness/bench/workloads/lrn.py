"""Response normalisation, forward and backward, at the shape of conv1's output, beside PyTorch's layer.

Both have the allocator settings of a trial, so that the ratio compares only the arithmetic. The measure is
three copies of the tensor in allocated memory, which move six tensors. Two passes have to move five (the
inputs twice, both gradients, the outputs), so that at best they reach 120 % of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from harness.bench.ceilings import DTYPES, copies
from harness.bench.stock import ColumnNorm
from harness.bench.workload import (
    SMALLER,
    Asked,
    Player,
    Unit,
    Way,
    WayKind,
    Ways,
    Work,
    Workload,
)
from harness.contract.trial import Precision
from harness.models.description import AcrossMaps
from harness.models.layers.lrn import normalise
from harness.records import environment

SHAPE = (96, 55, 55)
ON_A_GPU = 1024  # images: with fewer, a fast GPU would wait for Python
LAYER = AcrossMaps(divided=True)  # as in PyTorch: one group, α divided by the window
OURS, STOCK, COPIES = "this harness", "nn.LocalResponseNorm", "three copies"
NCHW = ", NCHW"


def plan(asked: Asked, shape: tuple[int, ...] = SHAPE, batches: tuple[int, ...] = ()) -> Ways:
    """Ours in the layout of trainings, and both layers in both layouts, on maps of a `shape`."""
    batches = batches or ((ON_A_GPU,) if asked.device.cuda else SMALLER)
    arguments = (asked.device.torch, asked.precision, (max(batches), *shape))
    player = Player(make, arguments, environment.cores())
    ways = (
        Way(OURS, WayKind.OURS, player, COPIES),
        Way(OURS + NCHW, WayKind.OURS, player, COPIES),
        Way(STOCK, WayKind.STOCK, player, COPIES),
        Way(STOCK + NCHW, WayKind.STOCK, player, COPIES),
        Way(COPIES, WayKind.CEILING, player),
    )
    stock = "through fp32 and back, since PyTorch has none on a CPU; " if _through_fp32(asked) else ""
    return Ways(
        ways,
        batches,
        (f"maps {shape}, {asked.precision}; {stock}channels last where no layout is named",),
    )


def _through_fp32(asked: Asked) -> bool:
    return asked.precision is Precision.BF16 and not asked.device.cuda


def make(device: str, precision: Precision, shape: tuple[int, ...]) -> Mapping[str, Work]:
    """Our layer and PyTorch's on a tensor of the shape, in both layouts, and copies."""
    values, gradient = torch.randn(2, *shape, device=device).to(DTYPES[precision])
    plain = ColumnNorm(LAYER)
    found: dict[str, Work] = {}
    for suffix, memory in (("", torch.channels_last), (NCHW, torch.contiguous_format)):
        x, g = (t.contiguous(memory_format=memory) for t in (values, gradient))
        found[OURS + suffix] = both_passes(lambda t: normalise(t, LAYER), x, g)
        found[STOCK + suffix] = both_passes(lambda t: through(plain, t), x, g)
        found[COPIES] = copies(x, 3)
    return found


def through(layer: nn.Module, x: Tensor) -> Tensor:
    """PyTorch's layer, which does not support bf16 on a CPU."""
    if x.dtype == torch.bfloat16 and not x.is_cuda:
        return through(layer, x.float()).to(x.dtype)
    out: Tensor = layer(x)
    return out


def both_passes(layer: Callable[[Tensor], Tensor], x: Tensor, g: Tensor) -> Work:
    """Forward and backward pass of the first images of `x`, with their gradient `g`."""

    def work(batch: int) -> float:
        leaf = x[:batch].detach().requires_grad_()
        torch.autograd.backward(layer(leaf), g[:batch])
        return batch

    return work


WORKLOAD = Workload("response normalisation, forward and backward", Unit.TIME, plan)
