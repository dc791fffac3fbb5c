"""Data-parallel training: every rank takes an equal part of each batch, and gradients are averaged (§5).

One process is a world of one rank and needs no torch.distributed. With more, the ranks of a batch together
compute what one process would from the whole of it, but for the order in which gradients are summed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed

from harness.contract.errors import BadValue
from harness.training.update import Momentum2012


@dataclass(frozen=True)
class Ranks:
    """One process among those that train one network together."""

    rank: int = 0
    world: int = 1

    def part(self, size: int) -> int:
        """Images of a batch of `size` that each rank takes; BadValue where they do not divide."""
        if size % self.world:
            raise BadValue(f"a batch of {size} does not divide among {self.world} processes; take a divisor")
        return size // self.world

    def share(self, order: Tensor, size: int) -> Tensor:
        """The rank's images of `order` (N,), batch by batch; what is left of the last batch is left out."""
        if self.world == 1:
            return order
        whole = order[: len(order) // self.world * self.world]
        return torch.cat([batch.chunk(self.world)[self.rank] for batch in torch.split(whole, size)])

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


def here() -> Ranks:
    """The process's place in torch.distributed's world, or alone."""
    if not distributed.is_available() or not distributed.is_initialized():
        return Ranks()
    return Ranks(distributed.get_rank(), distributed.get_world_size())


class Averaged(Momentum2012):
    """The update rule on gradients averaged over all ranks, in one exchange."""

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update, the same on every rank."""
        _average(p.grad for group in self.param_groups for p in group["params"] if p.grad is not None)
        return super().step()


def _average(gradients: Iterable[Tensor]) -> None:
    tensors = list(gradients)
    flat = torch.cat([g.reshape(-1) for g in tensors])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    parts = torch.split(flat, [g.numel() for g in tensors])
    for gradient, part in zip(tensors, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def update_for(groups: Iterable[dict[str, Any]], momentum: float, ranks: Ranks) -> Momentum2012:
    """The rule for one process or for several."""
    return (Momentum2012 if ranks.world == 1 else Averaged)(groups, momentum=momentum)
