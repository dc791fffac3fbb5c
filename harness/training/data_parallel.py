"""Data-parallel training: every rank takes an equal part of each batch, and gradients are averaged (§5).

A single process is a world of one rank and needs no torch.distributed. With more, the ranks together compute
what one process would from the whole batch, except for the order in which gradients are summed. Batch
normalisation uses each rank's part of the batch, and its running statistics are the first rank's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from harness.contract.errors import BadValue


@dataclass(frozen=True)
class Ranks:
    """One process among those that train one network together."""

    rank: int = 0
    world: int = 1

    def part(self, size: int) -> int:
        """Images of a batch of `size` that each rank takes; BadValue where they do not divide."""
        if size % self.world:
            raise BadValue(
                f"a batch of {size} does not divide among {self.world} processes; use a divisor of the batch"
            )
        return size // self.world

    def share(self, order: Tensor, size: int) -> Tensor:
        """The rank's images of `order` (N,), batch by batch; the remainder of the last batch is left out."""
        if self.world == 1:
            return order
        whole = order[: len(order) // self.world * self.world]
        return torch.cat([batch.chunk(self.world)[self.rank] for batch in torch.split(whole, size)])

    def stretch(self, count: int) -> slice:
        """The rank's part of `count` items that all ranks share evenly."""
        return slice(count * self.rank // self.world, count * (self.rank + 1) // self.world)

    def joined(self, own: Tensor, count: int) -> Tensor:
        """(count, ...) from every rank's `stretch` of it; the same bits on all of them."""
        if self.world == 1:
            return own
        sizes = [len(range(count)[Ranks(rank, self.world).stretch(count)]) for rank in range(self.world)]
        padded = own.new_zeros((max(sizes), *own.shape[1:]))
        padded[: len(own)] = own
        parts = [torch.empty_like(padded) for _ in sizes]
        distributed.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    def mean(self, values: tuple[float, float], device: torch.device) -> tuple[float, float]:
        """The values' means over all ranks."""
        if self.world == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64, device=device)
        distributed.all_reduce(total)
        first, second = (total / self.world).tolist()
        return first, second

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether any rank says so: all ranks must stop in the same place."""
        return self.mean((float(flag), 0.0), device)[0] > 0


ALONE = Ranks()


def here() -> Ranks:
    """The process's place in torch.distributed's world, or `ALONE`."""
    if not distributed.is_available() or not distributed.is_initialized():
        return ALONE
    return Ranks(distributed.get_rank(), distributed.get_world_size())


@contextmanager
def replicated(net: nn.Module, ranks: Ranks) -> Iterator[nn.Module]:
    """`net` as all ranks train it for a while: the backward pass averages the gradients.

    Recreated for every part of an epoch: other layers may be frozen than before, and gradients must be added
    in the same order however often the training was interrupted.
    """
    if ranks.world == 1:
        yield net
        return
    yield DistributedDataParallel(net, gradient_as_bucket_view=True)  # its hooks on the gradients end with it
    for buffer in net.buffers():
        distributed.broadcast(buffer, 0)
