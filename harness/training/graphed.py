"""The training step as a CUDA graph: one launch in place of hundreds, which take longer than a small step.

The first steps run directly, which loads kernels and lets cuDNN choose; then one is captured, and from then
on replayed on every batch of that size. Steps of other sizes, such as at an epoch's end, run directly.

A capture that fails leaves gradients that were never computed, and a generator and an allocator that believe
it goes on. So the trial fails, and its process takes no other one. With REPRO_CUDA_GRAPHS=0 every step runs
directly.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from harness.contract.errors import EngineError

Work = Callable[[Tensor, Tensor], None]  # on a batch's inputs and labels; leaves its results in place


@dataclass(frozen=True)
class Captured:
    """What is fixed in a graph: values that came from the host, and the generators that it draws from."""

    values: tuple[object, ...]
    generators: tuple[torch.Generator, ...] = ()


def capture(work: Work, inputs: Tensor, labels: Tensor, fixed: Captured) -> Work:
    """The work as a graph, which reads its batch from copies of the tensors; nothing is run yet."""
    graph, own = torch.cuda.CUDAGraph(), (inputs.clone(), labels.clone())
    for generator in fixed.generators:
        graph.register_generator_state(generator)  # a replay then advances it, as the work itself would
    # Threads that make batches may pin memory meanwhile: only this one is restricted.
    with _nothing_collected(), torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work(*own)

    def replay(inputs: Tensor, labels: Tensor) -> None:
        own[0].copy_(inputs)
        own[1].copy_(labels)
        graph.replay()

    return replay


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keeps the collector from destroying an earlier trial's graph within, which would end the capture."""
    gc.collect()
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def beside(work: Work, inputs: Tensor, labels: Tensor) -> None:
    """The work on another stream, as required before a capture, in order with the current stream's work."""
    now, side = torch.cuda.current_stream(), _side(torch.cuda.current_device())
    side.wait_stream(now)
    with torch.cuda.stream(side):
        work(inputs, labels)
    now.wait_stream(side)


@cache
def _side(device: int) -> torch.cuda.Stream:
    """One stream for all warm-ups on a device: cuBLAS keeps a workspace for each stream that it has seen."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


class Graphed:
    """Work on one batch after another, replayed from a graph after the first `warm_up` of them."""

    def __init__(
        self,
        work: Work,
        fixed: Callable[[], Captured],
        size: int,
        warm_up: int = 3,
        record: Callable[[Work, Tensor, Tensor, Captured], Work] = capture,
        run_first: Callable[[Work, Tensor, Tensor], None] = beside,
    ) -> None:
        """`fixed` returns what a graph would hold fixed: when that changes, a new graph is captured."""
        self.work, self.fixed, self.size, self.left = work, fixed, size, warm_up
        self.graphs = os.environ.get("REPRO_CUDA_GRAPHS") != "0"
        self.record, self.run_first = record, run_first
        self.held: Captured | None = None
        self.replay: Work | None = None

    def __call__(self, inputs: Tensor, labels: Tensor) -> None:
        """The work, once, on this batch; EngineError if it cannot be captured."""
        if self.left:
            self.left -= 1
            self.run_first(self.work, inputs, labels)
        elif self.graphs and len(labels) == self.size:
            self._ready(inputs, labels)(inputs, labels)
        else:
            self.work(inputs, labels)

    def _ready(self, inputs: Tensor, labels: Tensor) -> Work:
        """The graph of the work in its current state."""
        fixed = self.fixed()
        if self.replay is None or fixed != self.held:
            # Destroying a graph frees cuBLAS's workspace, which a newer one would still use.
            self.replay = None
            try:
                self.replay = self.record(self.work, inputs, labels, fixed)
            except RuntimeError as error:
                raise EngineError(
                    f"the training step cannot be captured as a CUDA graph ({error.__context__ or error}); "
                    "set REPRO_CUDA_GRAPHS=0 to train without graphs"
                ) from error
            self.held = fixed
        return self.replay
