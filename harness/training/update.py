"""The 2012 update rule (§5): the learning rate is inside the velocity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Parameter

from harness.models.network import Net
from harness.training.schedules import Setting


@dataclass
class ParameterGroup:
    """Parameters that learn at one rate, and what a schedule needs to know about them."""

    parameters: list[Parameter]
    decay: float = 0.0
    rate: float = 0.0
    layer: str = ""
    bias: bool = False
    factor: float = 1.0  # of the rate that the schedule gives


class Momentum2012:
    """v ← μ v − ε (λ w + g), then w ← w + v, for all parameters of one rate and decay at once.

    `torch.optim.SGD` keeps ε outside the velocity: the two agree while ε is constant and diverge when it
    changes. ε and λ are a group's `rate` and `decay`; parameters without a gradient do not change. This is
    not a `torch.optim.Optimizer`, since creating one imports TorchDynamo: 3.6 s in every process that trains.
    """

    def __init__(self, groups: Iterable[ParameterGroup], momentum: float = 0.9) -> None:
        """The parameters, each in one group, must be on the device that trains them."""
        self.groups, self.momentum = list(groups), momentum
        self.velocity: dict[Tensor, Tensor] = {
            p: torch.zeros_like(p) for group in self.groups for p in group.parameters
        }

    @torch.no_grad()
    def step(self) -> None:
        """One update from the current gradients."""
        together: dict[tuple[float, float], list[Tensor]] = {}
        for group in self.groups:
            moving = (p for p in group.parameters if p.grad is not None)
            together.setdefault((group.rate, group.decay), []).extend(moving)
        for (rate, decay), weights in together.items():
            if weights:
                self._update(weights, rate, decay)

    def _update(self, weights: list[Tensor], rate: float, decay: float) -> None:
        velocities = [self.velocity[weight] for weight in weights]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        torch._foreach_mul_(velocities, self.momentum)
        torch._foreach_add_(velocities, gradients, alpha=-rate)
        if decay:
            torch._foreach_add_(velocities, weights, alpha=-rate * decay)
        torch._foreach_add_(weights, velocities)

    def forget_gradients(self) -> None:
        """Clears the gradients, so that the next backward pass starts with none."""
        for parameter in self.velocity:
            parameter.grad = None

    def state_dict(self) -> dict[str, list[Tensor]]:
        """The velocities, in the order of the groups."""
        return {"velocities": list(self.velocity.values())}

    def load_state_dict(self, state: Mapping[str, list[Tensor]]) -> None:
        """Restores the velocities of a `state_dict`, from any device."""
        for velocity, stored in zip(self.velocity.values(), state["velocities"], strict=True):
            velocity.copy_(stored)


def groups(net: Net, bias_factor: float, bias_decay: bool) -> Iterator[ParameterGroup]:
    """A group for each layer's weights and one for each layer's biases; they learn nothing before `apply`."""
    for layer, weight, bias in net.weighted():
        yield ParameterGroup([weight], layer.decay, layer=layer.name)
        decay = layer.decay if bias_decay else 0.0
        yield ParameterGroup([bias], decay, layer=layer.name, bias=True, factor=bias_factor)


def apply(setting: Setting, update: Momentum2012) -> None:
    """Gives every group its rate, before a batch and after restoring a checkpoint.

    Parameters with a rate of 0 get no gradient either. Otherwise, their velocity would keep moving them; in
    the 2012 source they stop at once.
    """
    for group in update.groups:
        rate = setting.rate_of(group.layer, group.bias)
        group.rate = rate * group.factor
        for parameter in group.parameters:
            parameter.requires_grad_(rate > 0)
            if not rate:
                parameter.grad = None


def for_network(net: Net, rate: float, bias_factor: float, momentum: float) -> Momentum2012:
    """The rule at a constant rate: weights with their layer's decay, biases with none."""
    update = Momentum2012(groups(net, bias_factor, bias_decay=False), momentum)
    apply(Setting(rate, rate), update)
    return update
