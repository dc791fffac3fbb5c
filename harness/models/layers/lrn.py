"""Local response normalisation (§3.3): across neighbouring maps, or within a map as the 2012 code also does.

The formula in plain operations is `reference`. Networks run `normalise`, which uses the fastest
implementation for the tensor: Triton's on CUDA across maps, Numba's on a CPU in fp32 or bf16; both save only
the input for the backward pass. Elsewhere the reference runs; a missing compiler is logged once.

An even window reaches one further after than before, as in ONNX; PyTorch's reaches one further before.
"""

from __future__ import annotations

import logging
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.contract.optional import if_importable
from harness.models.description import AcrossMaps, Layer, Shape, WithinMap
from harness.models.layers import lrn_field
from harness.models.layers.lrn_field import Formula, formula

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


def reference(x: Tensor, layer: AcrossMaps | WithinMap) -> Tensor:
    """The formula in plain operations, slow and clear; differentiable any number of times."""
    wide = x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
    field = lrn_field.of(wide, layer)
    return lrn_field.back(field / base(field, formula(layer)) ** layer.beta, x).to(x.dtype)


def base(field: Tensor, rule: Formula) -> Tensor:
    """What is raised to β: k + α Σ a² at every unit of a field."""
    rows, columns = rule.window
    margins = (0, 0, (columns - 1) // 2, columns // 2, (rows - 1) // 2, rows // 2)
    squares = functional.pad(field.square(), margins)
    in_columns = reduce(torch.add, (squares.narrow(2, j, field.shape[2]) for j in range(columns)))
    in_rows = reduce(torch.add, (in_columns.narrow(1, i, field.shape[1]) for i in range(rows)))
    return rule.k + rule.alpha * in_rows


def normalise(x: Tensor, layer: AcrossMaps | WithinMap) -> Tensor:
    """The formula by the fastest available implementation; keeps the memory format of `x`."""
    fused = None if torch.compiler.is_compiling() else _fused(x, layer)
    if fused is None:
        return reference(x, layer)
    return lrn_field.back(fused.apply(lrn_field.of(x, layer), formula(layer)), x)  # type: ignore[no-untyped-call]


def _fused(x: Tensor, layer: AcrossMaps | WithinMap) -> type[torch.autograd.Function] | None:
    if x.is_cuda:
        return triton_kernel() if isinstance(layer, AcrossMaps) and x.dtype != torch.float64 else None
    if x.device.type == "cpu" and x.dtype in (torch.float32, torch.bfloat16):
        return numba_kernel()
    return None


@if_importable("Triton", SLOWER)
def triton_kernel() -> type[torch.autograd.Function] | None:
    """The CUDA implementation, or None with the reason logged."""
    from harness.models.layers.lrn_triton import FusedTriton

    if not torch.cuda.is_available():
        return FusedTriton
    try:  # the kernels are compiled now: that also needs a C compiler, Python's headers and a recent GPU
        with torch.inference_mode(False), torch.enable_grad():  # the first caller may be an evaluation
            one = torch.ones(1, 1, 1, 1, device="cuda", requires_grad=True)
            FusedTriton.apply(one, formula(AcrossMaps())).backward()  # type: ignore[no-untyped-call]
    except Exception as error:
        log.warning("%s: Triton's kernels do not run here (%s)", SLOWER, " ".join(str(error).split()))
        return None
    return FusedTriton


@if_importable("Numba", SLOWER)
def numba_kernel() -> type[torch.autograd.Function]:
    """The CPU implementation, or None with the reason logged."""
    from harness.models.layers.lrn_numba import FusedNumba

    return FusedNumba
