"""Normalisation across maps as two Triton kernels: every number is read from memory about once.

The field is (batch, columns, maps, pixels) as in `lrn_field`; both kernels see it as (batch · columns, maps,
pixels). A program has a tile of maps × pixels where pixels are contiguous (NCHW), and a run of numbers in
memory order where maps are (channels-last: one pixel). Neighbours are read again, from the cache.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd.function import once_differentiable

from harness.models.layers.lrn_field import Formula

RUN = 1024  # numbers per program, channels-last
TILE = (16, 64)  # maps and pixels per program, NCHW


class FusedTriton(torch.autograd.Function):
    """A field's normalisation for windows in its columns alone; `field` is contiguous."""

    @staticmethod
    def forward(ctx: Any, field: Tensor, formula: Formula) -> Tensor:
        """(B, R, S, P) to (B, R, S, P)."""
        ctx.save_for_backward(field)
        ctx.formula = formula
        out = torch.empty_like(field)
        _launch(_forward, formula, field, field, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """The gradient of the field, from its output's."""
        (field,) = ctx.saved_tensors
        out = torch.empty_like(field)
        _launch(_backward, ctx.formula, field, gradient.contiguous(), out)
        return out, None


def _launch(kernel: Any, formula: Formula, field: Tensor, gradient: Tensor, out: Tensor) -> None:
    if not field.numel():
        return
    _, _, maps, pixels = field.shape
    tile = (1, RUN) if pixels == 1 else TILE
    outer = field.numel() // (maps * pixels)
    tiles = math.ceil(maps / tile[0]) * math.ceil(pixels / tile[1])
    grid = (math.ceil(field.numel() / RUN),) if pixels == 1 else (outer * tiles,)
    # Triton launches on the current GPU, wherever its tensors are.
    with torch.cuda.device_of(field):  # type: ignore[no-untyped-call]
        kernel[grid](
            field,
            gradient,
            out,
            field.numel(),
            maps,
            pixels,
            formula.alpha,
            formula.beta,
            formula.k,
            n=formula.window[1],
            flat=pixels == 1,
            tall=tile[0],
            wide=tile[1],
            usual=formula.beta == 0.75,
        )


@triton.jit  # type: ignore[untyped-decorator]
def _place(  # type: ignore[no-untyped-def]
    numel, maps, pixels, flat: tl.constexpr, tall: tl.constexpr, wide: tl.constexpr
):
    """Addresses of this program's numbers, their maps, and which of them exist."""
    program = tl.program_id(0).to(tl.int64)
    row = tl.arange(0, tall)[:, None]
    column = tl.arange(0, wide)[None, :]
    if flat:
        first = program * wide
        at = first + column + row
        c = ((first % maps).to(tl.int32) + column + row) % maps  # one slow 64-bit remainder a program
        real = at < numel
    else:
        across = tl.cdiv(pixels, wide)
        down = tl.cdiv(maps, tall)
        c = ((program // across) % down).to(tl.int32) * tall + row + column * 0
        p = (program % across).to(tl.int32) * wide + column
        at = (program // (across * down)) * maps * pixels + c.to(tl.int64) * pixels + p
        real = (c < maps) & (p < pixels)
    return at, c, real


@triton.jit  # type: ignore[untyped-decorator]
def _load(x, at, c, real, maps, pixels, offset: tl.constexpr):  # type: ignore[no-untyped-def]
    """The numbers `offset` maps further, as fp32; zero where there is no such map."""
    there = real & (c + offset >= 0) & (c + offset < maps)
    return tl.load(x + at + offset * pixels, mask=there, other=0.0).to(tl.float32)


@triton.jit  # type: ignore[untyped-decorator]
def _powers(d, beta, usual: tl.constexpr):  # type: ignore[no-untyped-def]
    """Gives d^−β and 1 / d."""
    if usual:
        r = tl.math.rsqrt(d)
        power = r * tl.sqrt(r)
        inverse = r * r
    else:
        power = tl.exp2(-beta * tl.log2(d))
        inverse = 1.0 / d
    return power, inverse


@triton.jit  # type: ignore[untyped-decorator]
def _forward(  # type: ignore[no-untyped-def]
    x, g, y, numel, maps, pixels, alpha, beta, k,
    n: tl.constexpr, flat: tl.constexpr, tall: tl.constexpr, wide: tl.constexpr, usual: tl.constexpr,
):  # fmt: skip
    """Gives y = x / d^β; `g` is not used."""
    at, c, real = _place(numel, maps, pixels, flat, tall, wide)
    total = tl.zeros(at.shape, tl.float32)
    for j in tl.static_range(-((n - 1) // 2), n // 2 + 1):
        v = _load(x, at, c, real, maps, pixels, j)
        total += v * v
    power, _ = _powers(k + alpha * total, beta, usual)
    out = _load(x, at, c, real, maps, pixels, 0) * power
    tl.store(y + at, out.to(y.dtype.element_ty), mask=real)


@triton.jit  # type: ignore[untyped-decorator]
def _backward(  # type: ignore[no-untyped-def]
    x, g, y, numel, maps, pixels, alpha, beta, k,
    n: tl.constexpr, flat: tl.constexpr, tall: tl.constexpr, wide: tl.constexpr, usual: tl.constexpr,
):  # fmt: skip
    """Gives y = g / d^β − 2αβ x Σ (g x / d^(β+1)), over the maps whose windows hold this one."""
    at, c, real = _place(numel, maps, pixels, flat, tall, wide)
    near = ()  # every map that can matter, fetched once: x of map c + i stands at n − 1 + i
    for i in tl.static_range(1 - n, n):
        near += (_load(x, at, c, real, maps, pixels, i),)  # type: ignore[assignment]
    direct = tl.zeros(at.shape, tl.float32)
    total = tl.zeros(at.shape, tl.float32)
    for j in tl.static_range(-(n // 2), (n - 1) // 2 + 1):
        squares = tl.zeros(at.shape, tl.float32)
        for i in tl.static_range(j - (n - 1) // 2, j + n // 2 + 1):
            squares += near[n - 1 + i] * near[n - 1 + i]
        power, inverse = _powers(k + alpha * squares, beta, usual)
        scaled = _load(g, at, c, real, maps, pixels, j) * power
        total += scaled * near[n - 1 + j] * inverse
        if j == 0:
            direct = scaled
    out = direct - 2.0 * alpha * beta * near[n - 1] * total
    tl.store(y + at, out.to(y.dtype.element_ty), mask=real)
