"""Response normalisation on a CPU, compiled by Numba: every number is read from memory once.

A field is taken as planes of (height, width), in which the neighbour in the next column is `step` numbers
away: its columns and pixels together are the width, and where windows have one row, every row is a plane. A
plane's squares go to a buffer with zeros between the windows' ends, so that a sum needs no conditions. Both
passes are compiled for one size of window, as LLVM makes vector code only of sums whose length it knows.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import torch
from llvmlite import ir
from numba.extending import intrinsic
from torch import Tensor
from torch.autograd.function import once_differentiable

from harness.models.layers.lrn_field import Formula
from harness.models.layers.reuse import fresh
from harness.models.machine_code import compiled, inlined

SHARE = 1 << 17  # numbers from which a second thread pays
built_in: Any = intrinsic  # whose stub counts the compiler's own argument among a call's
U32 = np.uint32
COUNT = np.uint64  # an index without a sign cannot count from the end: no check keeps loops from vector code


class FusedNumba(torch.autograd.Function):
    """A field's normalisation in fp32 or bf16; `field` is contiguous, and so is the output."""

    @staticmethod
    def forward(ctx: Any, field: Tensor, formula: Formula) -> Tensor:
        """(B, R, S, P) to (B, R, S, P)."""
        ctx.save_for_backward(field)
        ctx.formula = formula
        out = fresh(field)
        _in_shares(formula, 0, field, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """The gradient of the field, from its output's."""
        (field,) = ctx.saved_tensors
        out = fresh(field)
        _in_shares(ctx.formula, 1, field, gradient.contiguous(), out)
        return out, None


def _in_shares(formula: Formula, way: int, *fields: Tensor) -> None:
    """Runs the forward pass (0) or the backward one (1) on as many threads as PyTorch has."""
    like = fields[0]
    rows, columns = formula.window
    height, width = like.shape[1] if rows > 1 else 1, like.shape[2] * like.shape[3]
    if not like.numel():
        return
    planes = like.numel() // (height * width)
    kernel = kernels(rows, columns, formula.beta == 0.75, like.dtype == torch.bfloat16)[way]
    flat = [_numbers(field) for field in fields]
    sides = COUNT(height), COUNT(width), COUNT(like.shape[3])
    constants = np.float32(formula.k), np.float32(formula.alpha), np.float32(formula.beta)

    def share(first: int, last: int) -> None:
        kernel(*flat, COUNT(first), COUNT(last), *sides, *constants)

    threads = min(torch.get_num_threads(), planes, like.numel() // SHARE)
    if threads < 2:
        share(0, planes)
        return
    with ThreadPoolExecutor(threads) as pool:
        bounds = [planes * i // threads for i in range(threads + 1)]
        for done in [pool.submit(share, *ends) for ends in pairwise(bounds)]:
            done.result()


def _numbers(field: Tensor) -> np.ndarray:
    """The field's numbers in memory order; NumPy has no bf16, so its bits."""
    plain = field.detach().view(torch.uint16) if field.dtype == torch.bfloat16 else field.detach()
    return plain.reshape(-1).numpy()


@built_in  # type: ignore[untyped-decorator]
def _float_of(_: Any, bits: Any) -> Any:
    """The fp32 number with these bits."""
    return numba.types.float32(numba.types.uint32), _reinterpreted(ir.FloatType())


@built_in  # type: ignore[untyped-decorator]
def _bits_of(_: Any, a: Any) -> Any:
    """The bits of an fp32 number."""
    return numba.types.uint32(numba.types.float32), _reinterpreted(ir.IntType(32))


def _reinterpreted(kind: Any) -> Callable[..., Any]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], kind)

    return generate


@inlined
def _wide(a, bf16):  # type: ignore[no-untyped-def]
    """As fp32; of bf16 the bits are given."""
    return _float_of(U32(U32(a) << U32(16))) if bf16 else np.float32(a)


@compiled
def _nearest_bf16(a):  # type: ignore[no-untyped-def]
    """The bits of the nearest bf16; of two as near, of the even one."""
    bits = _bits_of(np.float32(a))
    odd = U32(U32(bits >> U32(16)) & U32(1))
    rounded = U32(U32(bits + U32(0x7FFF)) + odd)
    return np.uint16(rounded >> U32(16)) if a == a else np.uint16(0x7FC0)  # not if it is not a number


@inlined
def _sum(numbers, at, jump, count):  # type: ignore[no-untyped-def]
    """The sum of `count` numbers, the first of them `at` a place and each a `jump` further."""
    total = numbers[at]
    for n in range(COUNT(1), count):
        total += numbers[at + n * jump]
    return total


@inlined
def _power(base, beta, quarters):  # type: ignore[no-untyped-def]
    """base^β; `quarters`: β is ¾, and two roots are faster than a power and as exact."""
    if quarters:
        root = np.sqrt(base)
        return root * np.sqrt(root)
    return base**beta


@compiled
def _pad_squares(x, start, height, width, wide, offset, bf16, out):  # type: ignore[no-untyped-def]
    for r in range(height):
        for i in range(width):
            a = _wide(x[start + r * width + i], bf16)
            out[r * wide + offset + i] = a * a


@inlined
def _column_sums(padded, high, wide, width, step, columns, out):  # type: ignore[no-untyped-def]
    for r in range(high):
        for i in range(width):
            out[r * width + i] = _sum(padded, r * wide + i, step, columns)


@cache
def kernels(rows: int, columns: int, quarters: bool, bf16: bool) -> tuple[Any, Any]:
    """The forward and the backward pass for one window, power and type."""
    # Only numbers are closed over: with functions, Numba would not find its code again in a later process.
    (up, down), (left, right) = ((COUNT((n - 1) // 2), COUNT(n // 2)) for n in (rows, columns))
    more_rows, across = COUNT(rows - 1), COUNT(columns)
    tall = rows > 1  # sums over columns first, then over rows
    along = COUNT(rows if tall else columns)

    @compiled
    def forward(x, y, first, last, height, width, step, k, alpha, beta):  # type: ignore[no-untyped-def]
        high, wide = height + more_rows, width + (across - COUNT(1)) * step
        squares = np.zeros(high * wide, np.float32)
        sums = np.zeros(high * width, np.float32) if tall else squares
        jump = width if tall else step
        for plane in range(first, last):
            start = plane * height * width
            _pad_squares(x, start, height, width, wide, up * wide + left * step, bf16, squares)
            if tall:
                _column_sums(squares, high, wide, width, step, across, sums)
            for i in range(height * width):
                d = k + alpha * _sum(sums, i, jump, along)
                b = _wide(x[start + i], bf16) / _power(d, beta, quarters)
                if bf16:
                    y[start + i] = _nearest_bf16(b)
                else:
                    y[start + i] = b

    @compiled
    def backward(x, g, y, first, last, height, width, step, k, alpha, beta):  # type: ignore[no-untyped-def]
        high, wide = height + more_rows, width + (across - COUNT(1)) * step
        squares, terms = np.zeros(high * wide, np.float32), np.zeros(high * wide, np.float32)
        direct = np.zeros(height * width, np.float32)
        sums = np.zeros(high * width, np.float32) if tall else squares
        sums_of_terms = sums if tall else terms
        jump = width if tall else step
        factor = np.float32(-2) * alpha * beta
        for plane in range(first, last):
            start = plane * height * width
            _pad_squares(x, start, height, width, wide, up * wide + left * step, bf16, squares)
            if tall:
                _column_sums(squares, high, wide, width, step, across, sums)
            for r in range(height):
                for i in range(width):
                    at = r * width + i
                    d = k + alpha * _sum(sums, at, jump, along)
                    scaled = _wide(g[start + at], bf16) / _power(d, beta, quarters)
                    direct[at] = scaled
                    terms[(r + down) * wide + right * step + i] = scaled / d * _wide(x[start + at], bf16)
            if tall:
                _column_sums(terms, high, wide, width, step, across, sums)
            for i in range(height * width):
                dx = direct[i] + factor * _wide(x[start + i], bf16) * _sum(sums_of_terms, i, jump, along)
                if bf16:
                    y[start + i] = _nearest_bf16(dx)
                else:
                    y[start + i] = dx

    return forward, backward
