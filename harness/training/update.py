"""The 2012 update rule (§5): the learning rate is inside the velocity."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim import Optimizer

from harness.models.network import Net


class Momentum2012(Optimizer):
    """v ← μ v − ε (λ w + g), then w ← w + v, for every parameter of a group at once.

    `torch.optim.SGD` keeps ε outside the velocity: the two agree while ε is constant and part when it
    changes. Groups hold `lr` (ε), `momentum` (μ) and `decay` (λ); parameters without gradient stand still.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.01,
        momentum: float = 0.9,
        decay: float = 0.0,
    ) -> None:
        """`params` as for any optimizer; the defaults are the paper's, but for the decay."""
        super().__init__(params, {"lr": lr, "momentum": momentum, "decay": decay})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update from the gradients at hand."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            _update([p for p in group["params"] if p.grad is not None], self.state, group)
        return loss


def _update(weights: list[Tensor], state: dict[Tensor, Any], group: dict[str, Any]) -> None:
    if not weights:
        return
    for weight in weights:
        if weight not in state or "velocity" not in state[weight]:
            state[weight]["velocity"] = torch.zeros_like(weight)
    velocities = [state[weight]["velocity"] for weight in weights]
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    torch._foreach_mul_(velocities, group["momentum"])
    torch._foreach_add_(velocities, gradients, alpha=-group["lr"])
    if group["decay"]:
        torch._foreach_add_(velocities, weights, alpha=-group["lr"] * group["decay"])
    torch._foreach_add_(weights, velocities)


def for_network(net: Net, rate: float, bias_rate: float, momentum: float) -> Momentum2012:
    """The rule for a network: weights at `rate` with their layer's decay, biases at `bias_rate` with none.

    Layers that share rate and decay share a group, so that one step is a handful of fused calls.
    """
    groups: dict[tuple[float, float], list[Tensor]] = {}
    for layer, weight, bias in net.weighted():
        groups.setdefault((rate, layer.decay), []).append(weight)
        groups.setdefault((bias_rate, 0.0), []).append(bias)
    return Momentum2012(
        [{"params": tensors, "lr": lr, "decay": decay} for (lr, decay), tensors in groups.items()],
        momentum=momentum,
    )
