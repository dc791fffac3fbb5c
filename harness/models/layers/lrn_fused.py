"""Response normalisation in blocks that stay in the cache, with its own backward pass: saves only the input.

Every layout is viewed as one field (B, R, S, P) whose windows lie in the rows R, the columns S, or both:

    across maps, NCHW            (images, columns of the net, maps a column, pixels)   window (1, n)
    across maps, channels-last   (images · pixels, columns, maps a column, 1)          window (1, n)
    within a map, NCHW           (images · maps, height, width, 1)                     window (n, n)
    within a map, channels-last  (images, height, width, maps)                         window (n, n)

A block of it is squared into a buffer with zeros between the windows' ends, in which neighbours are a
constant distance apart. So a window's sum takes a few contiguous additions of the buffer to its shifted self.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from harness.models.layers.reuse import fresh

# Numbers per block, ends included: as many as a core's L2 cache holds; a GPU needs few launches instead.
CPU_BLOCK, GPU_BLOCK = 131_072, 1 << 24
# With several threads, blocks are so small that PyTorch runs each operation on one thread: threads then share
# the blocks and synchronise once, not after every addition, which is 100 times as slow on a busy machine.
SERIAL = 32_767


@dataclass(frozen=True)
class Formula:
    """b = a / (k + alpha Σ a²)^beta; the sum is over a `window` of (rows, columns)."""

    window: tuple[int, int]
    alpha: float
    beta: float
    k: float


class Fused(torch.autograd.Function):
    """A field's normalisation; `field` is contiguous, and so are the output and the gradient."""

    @staticmethod
    def forward(ctx: Any, field: Tensor, formula: Formula) -> Tensor:
        """(B, R, S, P) to (B, R, S, P)."""
        ctx.save_for_backward(field)
        ctx.formula = formula
        out = fresh(field)
        _each_block(formula, "forward", field, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """The gradient of the field, from its output's."""
        (field,) = ctx.saved_tensors
        out = fresh(field)
        _each_block(ctx.formula, "backward", field, gradient.contiguous(), out)
        return out, None


class _Block:
    """The buffers and views for one shape of block, made once and used for all blocks of that shape."""

    def __init__(self, formula: Formula, like: Tensor) -> None:
        self.formula = formula
        self.half = like.dtype in (torch.bfloat16, torch.float16)
        new = partial(torch.empty, dtype=torch.float32 if self.half else like.dtype, device=like.device)
        if self.half:
            self.x, self.g, self.y = (new(like.shape) for _ in range(3))
        rows, columns = formula.window
        padded = like.shape[0], like.shape[1] + rows - 1, like.shape[2] + columns - 1, like.shape[3]
        self.length = math.prod(padded)
        steps = (columns, padded[3]), (rows, padded[2] * padded[3])  # window and distance of neighbours
        size = self.length + sum((n - 1) * distance for n, distance in steps)
        self.source = new(size).zero_()
        self.spare = [new(size) for _ in range(3)]
        inside = self.source[: self.length].view(padded)
        before = (rows - 1) // 2, (columns - 1) // 2
        after = rows // 2, columns // 2
        self.squares, self.terms = (_inside(inside, start, like.shape) for start in (before, after))
        self.lopsided = before != after
        self.additions, self.sums = _additions(self.source, self.spare, steps)
        self.roots, self.inverses = (
            flat[: self.length] for flat in self.spare if flat.data_ptr() != self.sums.data_ptr()
        )
        self.sums_inside, self.roots_inside, self.inverses_inside = (
            _inside(flat.view(padded), (0, 0), like.shape) for flat in (self.sums, self.roots, self.inverses)
        )
        self.k = torch.tensor(formula.k, dtype=self.source.dtype, device=like.device)

    def forward(self, x: Tensor, y: Tensor) -> None:
        """Writes the normalised `x` to `y`."""
        if self.half:
            x = self.x.copy_(x)
        torch.mul(x, x, out=self.squares)
        self._powers()
        if not self.half:
            torch.mul(x, self.roots_inside, out=y)
        else:
            y.copy_(torch.mul(x, self.roots_inside, out=self.y))

    def backward(self, x: Tensor, g: Tensor, y: Tensor) -> None:
        """Writes g / d^β − 2αβ x Σ (g x / d^(β+1)) to `y`, where d is the denominator's base."""
        target = y
        if self.half:
            x, g, y = self.x.copy_(x), self.g.copy_(g), self.y
        if self.lopsided:
            self.source.zero_()
        torch.mul(x, x, out=self.squares)
        self._powers(inverse=True)
        if self.lopsided:
            self.source.zero_()
        torch.mul(g, self.roots_inside, out=y)
        torch.mul(y, self.inverses_inside, out=self.terms)
        self.terms.mul_(x)
        self._add_up()
        y.addcmul_(self.sums_inside, x, value=-2 * self.formula.alpha * self.formula.beta)
        if self.half:
            target.copy_(y)

    def _add_up(self) -> None:
        """Sums of `source` over every window, to `sums`."""
        for a, b, out in self.additions:
            torch.add(a, b, out=out)

    def _powers(self, inverse: bool = False) -> None:
        """d^−β to `roots` and, where asked, 1 / d to `inverses`."""
        self._add_up()
        base = torch.add(self.k, self.sums, alpha=self.formula.alpha, out=self.sums)
        if self.formula.beta != 0.75:
            torch.pow(base, -self.formula.beta, out=self.roots)
            if inverse:
                torch.reciprocal(base, out=self.inverses)
            return
        torch.rsqrt(base, out=self.roots)
        if inverse:
            torch.mul(self.roots, self.roots, out=self.inverses)
        # d^−3/4 = d^−1/2 (d d^−1/2)^−1/2: a third of a power's time, and as exact
        self.roots.mul_(base.mul_(self.roots).rsqrt_())


def _inside(padded: Tensor, start: tuple[int, int], shape: torch.Size) -> Tensor:
    return padded.narrow(1, start[0], shape[1]).narrow(2, start[1], shape[2])


def _additions(
    source: Tensor, spare: list[Tensor], steps: tuple[tuple[int, int], ...]
) -> tuple[list[tuple[Tensor, Tensor, Tensor]], Tensor]:
    """The additions (a, b, out) that sum `source` over windows of n neighbours, by doubling; the result."""
    plan: list[tuple[Tensor, Tensor, Tensor]] = []

    def add(a: Tensor, b: Tensor, offset: int, *keep: Tensor) -> Tensor:
        taken = {t.data_ptr() for t in (a, b, *keep)}
        length = min(len(a), len(b) - offset)
        out = next(s for s in spare if s.data_ptr() not in taken)[:length]
        plan.append((a[:length], b[offset : offset + length], out))
        return out

    total = source
    for n, distance in steps:
        run, width, summed = total, 1, n & 1  # `run` sums `width` neighbours, `total` sums `summed`
        while 2 * width <= n:
            run = add(run, run, width * distance, total) if summed else add(run, run, width * distance)
            width *= 2
            if n & width:
                total = add(total, run, summed * distance) if summed else run
                summed += width
    if not plan:  # a window of one number
        plan.append((source, torch.zeros_like(source), spare[0]))
        total = spare[0]
    return plan, total


def _each_block(formula: Formula, method: str, *fields: Tensor) -> None:
    """Calls `_Block.method` with every block of the fields, shared among as many threads as PyTorch has."""
    on_cpu = fields[0].device.type == "cpu"
    threads = min(torch.get_num_threads(), fields[0].numel() // (4 * SERIAL)) if on_cpu else 1
    limit = SERIAL if threads > 1 else CPU_BLOCK if on_cpu else GPU_BLOCK
    height, width = _side_lengths(formula, fields[0].shape, limit)
    parts = [
        [part for tall in torch.split(f, height) for part in torch.split(tall, width, 3)] for f in fields
    ]
    blocks = list(zip(*parts, strict=True)) if fields[0].numel() else []
    if threads < 2:
        _work(formula, method, blocks)
        return
    share = math.ceil(len(blocks) / threads)
    with ThreadPoolExecutor(threads) as pool:
        shares = (blocks[i : i + share] for i in range(0, len(blocks), share))
        for done in [pool.submit(_work, formula, method, mine) for mine in shares]:
            done.result()


@torch.no_grad()  # the setting is per thread
def _work(formula: Formula, method: str, blocks: list[tuple[Tensor, ...]]) -> None:
    made: dict[torch.Size, Callable[..., None]] = {}
    for parts in blocks:
        shape = parts[0].shape
        if shape not in made:
            made[shape] = getattr(_Block(formula, parts[0]), method)
        made[shape](*parts)


def _side_lengths(formula: Formula, shape: torch.Size, limit: int) -> tuple[int, int]:
    """First and last side of blocks of at most `limit` numbers."""
    pixels = max(1, shape[3])
    plane = (shape[1] + formula.window[0] - 1) * (shape[2] + formula.window[1] - 1)
    width = max(1, min(pixels, limit // plane))
    width = math.ceil(pixels / math.ceil(pixels / width))  # as even as possible
    return (max(1, limit // (plane * width)) if width == pixels else 1), width
