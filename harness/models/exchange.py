"""Exchange between two columns in two processes: each gets the other's half, and autograd follows.

`Swap.send` starts the exchange and returns at once; the function that it returns waits for the other half.
Computation in between overlaps with the exchange. The backward pass mirrors this by itself: autograd runs
nodes in the reverse order of their creation, so the other half's gradient is sent first, then the computation
in between has its backward pass, and only then does the process wait for its own half's gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from harness.contract.errors import BadValue


class Swap:
    """The link between two processes; both must make the same calls in the same order.

    `sent` counts bytes; `timed` is entered whenever this process works on or waits for an exchange.
    """

    def __init__(self) -> None:
        """The process group is torch's default one; BadValue unless it has two ranks."""
        count = dist.get_world_size()
        if count != 2:
            raise BadValue(f"two columns run in 2 processes, one each, and {count} were started: start 2")
        self.rank = dist.get_rank()
        self.sent = 0
        self.timed: Callable[[], AbstractContextManager[None]] = nullcontext
        self._under_way: list[tuple[list[dist.Work], Tensor]] = []

    def send(self, own: Tensor) -> Callable[[], Tensor]:
        """Starts to exchange `own`; returns a function that returns the other's tensor, of the same shape."""
        buffer: Tensor = _Start.apply(own, self)  # type: ignore[no-untyped-call]
        return lambda: _Finish.apply(buffer, self)  # type: ignore[no-untyped-call]

    def whole(self, own: Tensor, dim: int) -> Tensor:
        """Both halves along `dim`, in the order of the ranks; only the process's own half gets a gradient.

        That is right for values that both processes use in the same way, as each has the loss of all logits.
        """
        other = self.send(own.detach())()
        return in_order(own, other, self.rank, dim)

    def start(self, own: Tensor) -> Tensor:
        """Starts to exchange `own`; returns the tensor that will hold the other's after `finish`."""
        with self.timed():
            packed = _packed(own)
            buffer = torch.empty_like(packed)
            other = 1 - self.rank
            pair = [dist.P2POp(dist.isend, packed, other), dist.P2POp(dist.irecv, buffer, other)]
            # The sent tensor must stay alive until the transfer is complete.
            self._under_way.append((dist.batch_isend_irecv(pair), packed))
            self.sent += packed.nbytes
        return buffer.permute(0, 3, 1, 2) if own.dim() == 4 else buffer

    def finish(self, buffer: Tensor) -> Tensor:
        """Waits until the oldest pending exchange is complete, and returns its `buffer`."""
        with self.timed():
            works, _ = self._under_way.pop(0)
            for work in works:
                work.wait()
        return buffer


def in_order(own: Tensor, other: Tensor, side: int, dim: int) -> Tensor:
    """Two halves joined along `dim`: `own` first if `side` is 0."""
    return torch.cat([own, other] if side == 0 else [other, own], dim)


def _packed(x: Tensor) -> Tensor:
    """A contiguous tensor; maps are channels-last, as in networks, whatever the strides of a gradient."""
    return x.permute(0, 2, 3, 1).contiguous() if x.dim() == 4 else x.contiguous()


class _Start(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, own: Tensor, swap: Swap) -> Tensor:
        ctx.swap = swap
        return swap.start(own)

    @staticmethod
    def backward(ctx: Any, received: Tensor) -> tuple[Tensor, None]:
        return ctx.swap.finish(received), None


class _Finish(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, buffer: Tensor, swap: Swap) -> Tensor:
        ctx.swap = swap
        return swap.finish(buffer)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.swap.start(gradient), None
