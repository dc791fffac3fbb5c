"""When each layer of a training step was computing, and when it waited for another process.

Marks are readings of the host's monotonic clock on a CPU, and events in the current stream on a GPU, where
nothing waits for them. A layer here is one with weights, plus everything after it up to the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from harness.models.description import Weighted
from harness.models.network import Net

Mark = Any  # seconds, or a CUDA event
Span = dict[str, Any]  # "layer", "kind", "pass", "start", "end" (seconds from the beginning of the step)


class Timeline:
    """The marks of one step after another: `begin` a step, and read its numbers after its end."""

    def __init__(self, device: torch.device) -> None:
        """On a GPU, numbers are available once the device is synchronised."""
        self.device = device
        self.begin()

    def begin(self) -> None:
        """Forgets the previous step."""
        self.stages: list[tuple[str, str, Mark]] = []
        self.waits: list[tuple[str, str, Mark, Mark]] = []
        self.complete: Mark | None = None  # when the last gradient was ready
        self.start = self.mark()

    def mark(self) -> Mark:
        """Now."""
        if self.device.type != "cuda":
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    @contextmanager
    def exchanging(self) -> Iterator[None]:
        """Counts the time spent inside as exchange, not as computation."""
        layer, direction = self._stage()
        start = self.mark()
        yield
        self.waits.append((layer, direction, start, self.mark()))

    def waited(self) -> float:
        """Seconds of the step in which this process waited for others, or packed and sent."""
        return sum(self._seconds(start, end) for _, _, start, end in self.waits)

    @contextmanager
    def watching(self, net: Net) -> Iterator[None]:
        """Marks where each layer of `net` begins, in both passes."""
        named = [
            (layer.name, module)
            for layer, module in zip(net.description.layers, net.layers, strict=True)
            if isinstance(layer, Weighted)
        ]
        before = dict(zip([name for name, _ in named[1:]], [name for name, _ in named], strict=False))
        with ExitStack() as hooks:
            for name, module in named:
                hook = module.register_forward_pre_hook(self._entering(name, before.get(name)))
                hooks.callback(hook.remove)
            hook = net.register_forward_hook(self._leaving(named[-1][0]))
            hooks.callback(hook.remove)
            yield

    def watch_averaging(self, net: nn.Module) -> None:
        """From now on, counts the time between the last gradient of `net` and the update as exchange.

        Most gradients are averaged during the backward pass; what remains after it is packing the last ones,
        and waiting.
        """
        for parameter in net.parameters():
            parameter.register_post_accumulate_grad_hook(self._accumulated)  # type: ignore[no-untyped-call]

    def enter(self, layer: str, direction: str = "") -> None:
        """Marks the start of this layer."""
        self.stages.append((layer, direction, self.mark()))

    def updating(self) -> None:
        """Marks that the gradients are ready, and that the update begins."""
        if self.complete is not None:
            self.waits.append((*self._stage(), self.complete, self.mark()))
        self.enter("update")

    def spans(self) -> list[Span]:
        """Every layer's span of computation, and every span of exchange within it."""
        ends = [mark for _, _, mark in self.stages[1:]]
        compute = [
            self._span(layer, "compute", direction, start, end)
            for (layer, direction, start), end in zip(self.stages, ends, strict=False)
        ]
        return compute + [self._span(layer, "exchange", *rest) for layer, *rest in self.waits]

    def _stage(self) -> tuple[str, str]:
        """The current layer and pass; meaningless if no layer is watched."""
        return self.stages[-1][:2] if self.stages else ("", "")

    def _accumulated(self, parameter: Tensor) -> None:
        self.complete = self.mark()

    def _span(self, layer: str, kind: str, direction: str, start: Mark, end: Mark) -> Span:
        since = self._seconds(self.start, start)
        lasting = self._seconds(start, end)
        return {"layer": layer, "kind": kind, "pass": direction, "start": since, "end": since + lasting}

    def _seconds(self, start: Mark, end: Mark) -> float:
        if isinstance(start, float):
            return float(end - start)
        return float(start.elapsed_time(end)) / 1000

    def _entering(self, name: str, before: str | None) -> Callable[..., Any]:
        def hook(module: Any, inputs: tuple[Tensor, ...]) -> Any:
            self.enter(name, "forward")
            if before is None or not inputs[0].requires_grad:
                return None
            return (_Tag.apply(inputs[0], lambda: self.enter(before, "backward")),)  # type: ignore[no-untyped-call]

        return hook

    def _leaving(self, last: str) -> Callable[..., Any]:
        def hook(module: Any, inputs: Any, output: Tensor) -> Any:
            self.enter("loss", "forward")
            return _Tag.apply(output, lambda: self.enter(last, "backward"))  # type: ignore[no-untyped-call]

        return hook


class _Tag(torch.autograd.Function):
    """Changes nothing; calls `tell` when the backward pass reaches it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, tell: Callable[[], None]) -> Tensor:
        ctx.tell = tell
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        ctx.tell()
        return gradient, None
