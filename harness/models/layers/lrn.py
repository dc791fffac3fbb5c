"""Local response normalisation (§3.3): across neighbouring maps, or within a map as the 2012 code also does.

The formula in plain operations is `reference`. Networks run `normalise`, which uses the fastest
implementation for the tensor's device: a Triton kernel on CUDA, else cache-sized blocks (`lrn_fused`); both
save only the input for the backward pass. If it has to fall back, it logs the reason once.

An even window reaches one further after than before, as in ONNX; PyTorch's reaches one further before.
"""

from __future__ import annotations

import logging
import math
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.models.description import AcrossMaps, Layer, Shape, WithinMap
from harness.models.layers.lrn_fused import Formula, Fused

log = logging.getLogger(__name__)
SLOWER = "response normalisation runs in PyTorch's operations"


def build(layer: Layer, shape: Shape) -> nn.Module:
    """The module of `layer` for an input of `shape`."""
    if not isinstance(layer, AcrossMaps | WithinMap):
        raise TypeError(f"{__name__} cannot build {type(layer).__name__}")
    if isinstance(layer, AcrossMaps) and shape[0] % layer.groups:
        raise ValueError(f"{shape[0]} maps do not divide into {layer.groups} columns")
    return ResponseNorm(layer)


class ResponseNorm(nn.Module):
    """Response normalisation as described; in half precision it computes in fp32 and rounds once."""

    def __init__(self, layer: AcrossMaps | WithinMap) -> None:
        """Has no parameters."""
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """(N, maps, height, width), or (N, maps) across maps, to the same."""
        return normalise(x, self.layer)

    def extra_repr(self) -> str:
        """The description."""
        return repr(self.layer)


def formula(layer: AcrossMaps | WithinMap) -> Formula:
    """The layer's window and constants, with α as the factor of the sum."""
    window = (1, layer.size) if isinstance(layer, AcrossMaps) else (layer.size, layer.size)
    alpha = layer.alpha / math.prod(window) if layer.divided else layer.alpha
    return Formula(window, alpha, layer.beta, layer.k)


def reference(x: Tensor, layer: AcrossMaps | WithinMap) -> Tensor:
    """The formula in plain operations, slow and clear; differentiable any number of times."""
    wide = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
    maps = _nchw_field(wide, layer)
    return (maps / base(wide, layer) ** layer.beta).reshape(x.shape).to(x.dtype)


def base(x: Tensor, layer: AcrossMaps | WithinMap) -> Tensor:
    """What is raised to β: k + α Σ a² at every unit of (N, maps, height, width), in its windows' order."""
    rule = formula(layer)
    rows, columns = rule.window
    margins = (0, 0, (columns - 1) // 2, columns // 2, (rows - 1) // 2, rows // 2)
    squares = functional.pad(_nchw_field(x, layer).square(), margins)
    return rule.k + rule.alpha * squares.unfold(1, rows, 1).unfold(2, columns, 1).sum((-2, -1))


def normalise(x: Tensor, layer: AcrossMaps | WithinMap) -> Tensor:
    """The formula by the fastest available implementation; keeps the memory format of `x`."""
    if torch.compiler.is_compiling():
        return reference(x, layer)
    last = x.dim() == 4 and x.is_contiguous(memory_format=torch.channels_last)
    field = _channels_last_field(x, layer) if last else _nchw_field(x.contiguous(), layer)
    out = _apply(field, formula(layer))
    if not last:
        return out.view(x.shape)
    images, maps, height, width = x.shape
    return out.view(images, height, width, maps).permute(0, 3, 1, 2)


def _apply(field: Tensor, rule: Formula) -> Tensor:
    suits = field.is_cuda and rule.window[0] == 1 and field.dtype != torch.float64
    kernel = triton_kernel() if suits else None
    out: Tensor = (kernel or Fused).apply(field, rule)  # type: ignore[no-untyped-call]
    return out


@cache
def triton_kernel() -> type[torch.autograd.Function] | None:
    """The CUDA implementation, or None with the reason logged."""
    try:
        from harness.models.layers.lrn_triton import FusedTriton
    except ImportError as error:
        log.warning("%s: Triton cannot be imported (%s)", SLOWER, error)
        return None
    if torch.cuda.is_available() and torch.cuda.get_device_capability() < (7, 0):
        log.warning("%s: this GPU is too old for Triton", SLOWER)
        return None
    return FusedTriton


def _nchw_field(x: Tensor, layer: AcrossMaps | WithinMap) -> Tensor:
    images, maps = x.shape[:2]
    if isinstance(layer, AcrossMaps):
        return x.reshape(images, layer.groups, maps // layer.groups, math.prod(x.shape[2:]))
    return x.reshape(images * maps, *x.shape[2:], 1)


def _channels_last_field(x: Tensor, layer: AcrossMaps | WithinMap) -> Tensor:
    images, maps, height, width = x.shape
    pixels = x.permute(0, 2, 3, 1)
    if isinstance(layer, AcrossMaps):
        return pixels.reshape(images * height * width, layer.groups, maps // layer.groups, 1)
    return pixels
