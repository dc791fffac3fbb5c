"""Response normalisation on a CPU, compiled by Numba: one pass forward and one backward.

A field is taken as planes of (height, width). Its columns and pixels together are the width, so the neighbour
in the next column is `step` numbers away; where windows have one row, every row is a plane of its own. A
plane's squares go to a buffer with zeros between the windows' ends, so that a sum needs no conditions. Both
passes are compiled for one size of window, as LLVM makes vector code only of sums whose length it knows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from harness.models.layers.lrn_field import Formula
from harness.models.layers.reuse import fresh
from harness.models.machine_code import compiled, inlined

SHARE = 1 << 17  # numbers that are worth a thread
# Numba checks whether an index with a sign counts from the end, which LLVM cannot make vector code of.
COUNT = np.uint64
U32 = np.uint32


class FusedNumba(torch.autograd.Function):
    """A field's normalisation in fp32 or bf16; `field` is contiguous, and so is the output."""

    @staticmethod
    def forward(ctx: Any, field: Tensor, formula: Formula) -> Tensor:
        """(B, R, S, P) to (B, R, S, P)."""
        ctx.save_for_backward(field)
        ctx.formula = formula
        out = fresh(field)
        _in_shares(formula, passes(formula, field)[0], field, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """The gradient of the field, from its output's."""
        (field,) = ctx.saved_tensors
        out = fresh(field)
        _in_shares(ctx.formula, passes(ctx.formula, field)[1], field, gradient.contiguous(), out)
        return out, None


def passes(formula: Formula, field: Tensor) -> tuple[Any, Any]:
    """The forward and the backward pass for such a field."""
    return compile_passes(*formula.window, formula.beta == 0.75, field.dtype == torch.bfloat16)


def _in_shares(formula: Formula, run: Any, *fields: Tensor) -> None:
    """Runs a pass on as many threads as PyTorch has, each with its share of the planes."""
    like = fields[0]
    height, width = like.shape[1] if formula.window[0] > 1 else 1, like.shape[2] * like.shape[3]
    if not like.numel():
        return
    planes = like.numel() // (height * width)
    flat = [_numbers(field) for field in fields]
    sides = COUNT(height), COUNT(width), COUNT(like.shape[3])
    constants = np.float32(formula.k), np.float32(formula.alpha), np.float32(formula.beta)

    def share(first: int, last: int) -> None:
        run(*flat, COUNT(first), COUNT(last), *sides, *constants)

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


@inlined
def _as_fp32(a, bf16):  # type: ignore[no-untyped-def]
    """The number; of bf16 the bits are given."""
    return U32(U32(a) << U32(16)).view(np.float32) if bf16 else np.float32(a)


@inlined
def _bf16_bits(a):  # type: ignore[no-untyped-def]
    """The bits of the nearest bf16; of two as near, of the even one."""
    bits = np.float32(a).view(np.uint32)
    odd = U32(U32(bits >> U32(16)) & U32(1))
    rounded = U32(U32(bits + U32(0x7FFF)) + odd)
    return np.uint16(rounded >> U32(16)) if a == a else np.uint16(0x7FC0)  # not if it is not a number


@inlined
def _sum(numbers, first, distance, count):  # type: ignore[no-untyped-def]
    """The sum of `count` numbers: the first one, and then each `distance` further."""
    total = numbers[first]
    for n in range(COUNT(1), count):
        total += numbers[first + n * distance]
    return total


@inlined
def _power(base, beta, quarters):  # type: ignore[no-untyped-def]
    """base^β; `quarters`: β is ¾, and two roots are faster than a power and as exact."""
    if quarters:
        root = np.sqrt(base)
        return root * np.sqrt(root)
    return base**beta


@inlined
def _pad_squares(x, start, height, width, pitch, offset, bf16, out):  # type: ignore[no-untyped-def]
    """Squares of a plane to `out`, whose rows are `pitch` numbers apart."""
    for r in range(height):
        for i in range(width):
            a = _as_fp32(x[start + r * width + i], bf16)
            out[r * pitch + offset + i] = a * a


@inlined
def _column_sums(padded, padded_height, pitch, width, step, columns, out):  # type: ignore[no-untyped-def]
    for r in range(padded_height):
        for i in range(width):
            out[r * width + i] = _sum(padded, r * pitch + i, step, columns)


@cache
def compile_passes(rows: int, columns: int, quarters: bool, bf16: bool) -> tuple[Any, Any]:
    """The passes for one window, power and type."""
    (up, down), (left, right) = ((COUNT((n - 1) // 2), COUNT(n // 2)) for n in (rows, columns))
    more_rows, more_columns = COUNT(rows - 1), COUNT(columns - 1)
    tall = rows > 1  # sums over columns first, then over rows
    in_columns, in_sums = COUNT(columns), COUNT(rows if tall else columns)
    array = "u2[::1]" if bf16 else "f4[::1]"
    rest = "u8, u8, u8, u8, u8, f4, f4, f4"

    @compiled(f"void({array}, {array}, {rest})")
    def forward(x, y, first, last, height, width, step, k, alpha, beta):  # type: ignore[no-untyped-def]
        padded_height, pitch = height + more_rows, width + more_columns * step
        squares = np.zeros(padded_height * pitch, np.float32)
        sums = np.zeros(padded_height * width, np.float32) if tall else squares
        distance = width if tall else step
        for plane in range(first, last):
            start = plane * height * width
            _pad_squares(x, start, height, width, pitch, up * pitch + left * step, bf16, squares)
            if tall:
                _column_sums(squares, padded_height, pitch, width, step, in_columns, sums)
            for i in range(height * width):
                d = k + alpha * _sum(sums, i, distance, in_sums)
                b = _as_fp32(x[start + i], bf16) / _power(d, beta, quarters)
                if bf16:
                    y[start + i] = _bf16_bits(b)
                else:
                    y[start + i] = b

    @compiled(f"void({array}, {array}, {array}, {rest})")
    def backward(x, g, y, first, last, height, width, step, k, alpha, beta):  # type: ignore[no-untyped-def]
        padded_height, pitch = height + more_rows, width + more_columns * step
        squares = np.zeros(padded_height * pitch, np.float32)
        terms = np.zeros(padded_height * pitch, np.float32)
        direct = np.zeros(height * width, np.float32)
        sums = np.zeros(padded_height * width, np.float32) if tall else squares
        sums_of_terms = sums if tall else terms
        distance = width if tall else step
        factor = np.float32(-2) * alpha * beta
        for plane in range(first, last):
            start = plane * height * width
            _pad_squares(x, start, height, width, pitch, up * pitch + left * step, bf16, squares)
            if tall:
                _column_sums(squares, padded_height, pitch, width, step, in_columns, sums)
            for r in range(height):
                for i in range(width):
                    at = r * width + i
                    d = k + alpha * _sum(sums, at, distance, in_sums)
                    scaled = _as_fp32(g[start + at], bf16) / _power(d, beta, quarters)
                    direct[at] = scaled
                    terms[(r + down) * pitch + right * step + i] = scaled / d * _as_fp32(x[start + at], bf16)
            if tall:
                _column_sums(terms, padded_height, pitch, width, step, in_columns, sums)
            for i in range(height * width):
                total = _sum(sums_of_terms, i, distance, in_sums)
                dx = direct[i] + factor * _as_fp32(x[start + i], bf16) * total
                if bf16:
                    y[start + i] = _bf16_bits(dx)
                else:
                    y[start + i] = dx

    return forward, backward
