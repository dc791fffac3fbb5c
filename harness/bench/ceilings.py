"""The least work that has to be done: memory copies and matrix products."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from harness.bench.workload import Work
from harness.contract.trial import Precision
from harness.models.description import Conv, Layer, Network, Shape, Weighted

COPY, PRODUCTS = "memory copy", "matrix products"
ON_A_GPU = 8192  # rows of the square matrices: large enough to keep the whole GPU busy
A_THREAD = 1024  # on a CPU with one thread; scaled so that all threads have the same work
DTYPES = {Precision.FP32: torch.float32, Precision.BF16: torch.bfloat16}


def step_multiply_adds(network: Network) -> int:
    """Multiplications of a training step for one image: three passes, but no gradient of the input itself.

    Multiplications by the zeros of a margin are left out, since an implementation can skip them.
    """
    forward = [_multiply_adds(layer, before) for layer, before, _ in network.walk()]
    first = next(n for n, layer in zip(forward, network.layers, strict=True) if isinstance(layer, Weighted))
    return 3 * sum(forward) - first


def _multiply_adds(layer: Layer, before: Shape) -> int:
    every = layer.multiply_adds(before)
    if not isinstance(layer, Conv):
        return every
    inside, side = 1.0, layer.output(before)[1]
    for length in before[1:]:
        starts = (place * layer.stride - layer.margins[0] for place in range(side))
        inside *= sum(min(start + layer.size, length) - max(start, 0) for start in starts)
    return round(every * inside / (side * layer.size) ** 2)


def products(network: Network, device: torch.device, precision: Precision, side: int | None = None) -> Work:
    """Matrix products; counts the images whose training step has as many multiplications.

    On a CPU, the faster of two square matrices and a convolution, which has other kernels. On a GPU a
    convolution may save multiplications and would not be a valid measure.
    """
    kinds = [_square(side or _side(device), device, DTYPES[precision])]
    if device.type == "cpu":
        kinds.append(_convolution(16 * torch.get_num_threads(), DTYPES[precision]))
    multiply_adds, compute = min(kinds, key=_seconds)
    images = multiply_adds / step_multiply_adds(network)

    def work(batch: int) -> float:
        with torch.no_grad():
            compute()
        return images

    return work


Products = tuple[int, Callable[[], object]]  # number of multiplications, and the function that does them


def _square(n: int, device: torch.device, dtype: torch.dtype) -> Products:
    left, right, out = (torch.randn(n, n, device=device).to(dtype) for _ in range(3))
    return n**3, lambda: torch.mm(left, right, out=out)


def _convolution(images: int, dtype: torch.dtype, maps: int = 128, side: int = 28) -> Products:
    """3 × 3 without margins, so that every multiplication counts."""
    layout = torch.channels_last
    x = torch.randn(images, maps, side + 2, side + 2).to(dtype).contiguous(memory_format=layout)
    kernels = torch.randn(maps, maps, 3, 3).to(dtype).contiguous(memory_format=layout)
    return images * side**2 * maps**2 * 9, lambda: functional.conv2d(x, kernels)


@torch.no_grad()
def _seconds(kind: Products) -> float:
    """Seconds of one multiplication: the best of three after a warm-up."""
    multiply_adds, compute = kind
    spent = []
    for _ in range(4):
        start = time.perf_counter()
        compute()
        spent.append(time.perf_counter() - start)
    return min(spent[1:]) / multiply_adds


def _side(device: torch.device) -> int:
    return ON_A_GPU if device.type == "cuda" else A_THREAD * math.ceil(torch.get_num_threads() ** 0.5)


def copies(batch: Tensor, count: int = 1) -> Work:
    """Copies of a batch (N, ...) to allocated memory, `count` for every image."""
    there = torch.empty_like(batch)

    def work(size: int) -> float:
        for _ in range(count):
            there[:size].copy_(batch[:size])
        return size

    return work


def arrivals(size: int, side: int, device: torch.device) -> Work:
    """Copies of batches to where they are used: finished floats or, to a GPU, the crops' bytes."""
    if device.type == "cpu":
        return copies(torch.zeros(size, side, side, 3))
    crops = torch.zeros(size, side, side, 3, dtype=torch.uint8).pin_memory()
    there = torch.empty_like(crops, device=device)

    def work(batch: int) -> float:
        there[:batch].copy_(crops[:batch], non_blocking=True)
        return batch

    return work
