"""The update rule against a float64 loop, and where torch.optim.SGD differs from it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.models.cifar10 import nineteen
from harness.models.network import Net
from harness.training.update import Momentum2012, ParameterGroup, for_network


def rates(steps: int) -> np.ndarray:
    return 0.01 * 0.5 ** (np.arange(steps) // 25)


@pytest.mark.parametrize("decay", [0.0, 5e-4])
def test_a_hundred_steps_with_a_changing_rate(decay: float) -> None:
    generator = np.random.default_rng(0)
    target, start = generator.normal(size=(2, 7, 5))
    noise = generator.normal(size=(100, 7, 5))
    weight = torch.nn.Parameter(torch.tensor(start))
    update = Momentum2012([ParameterGroup([weight], decay)])
    w, v = start.copy(), np.zeros_like(start)
    for step, rate in enumerate(rates(100)):
        v = 0.9 * v - rate * (decay * w + (w - target + noise[step]))
        w = w + v
        update.groups[0].rate = rate
        weight.grad = weight.detach() - torch.tensor(target) + torch.tensor(noise[step])
        update.step()
    np.testing.assert_allclose(weight.detach().numpy(), w, rtol=1e-12)


def test_sgd_agrees_at_a_constant_rate_and_parts_when_it_changes() -> None:
    def distance(change: float) -> float:
        ours, theirs = (torch.nn.Parameter(torch.ones(3, dtype=torch.float64)) for _ in range(2))
        update, sgd = (
            Momentum2012([ParameterGroup([ours], rate=0.01)]),
            torch.optim.SGD([theirs], lr=0.01, momentum=0.9),
        )
        for step in range(20):
            if step == 10:
                update.groups[0].rate = sgd.param_groups[0]["lr"] = 0.01 * change
            ours.grad, theirs.grad = ours.detach().clone(), theirs.detach().clone()
            update.step()
            sgd.step()
        return (ours - theirs).abs().max().item()

    assert distance(1.0) < 1e-14
    # At the drop, SGD's velocity is scaled down at once; that of 2012 still carries the old rate.
    assert distance(0.1) > 0.01


def test_biases_learn_at_their_own_rate_and_do_not_decay() -> None:
    net = Net(nineteen()).initialise(0)
    update = for_network(net, 0.001, 2.0, 0.9)
    by_tensor = {id(p): group for group in update.groups for p in group.parameters}
    for layer, weight, bias in net.weighted():
        assert (by_tensor[id(weight)].rate, by_tensor[id(weight)].decay) == (0.001, layer.decay)
        assert (by_tensor[id(bias)].rate, by_tensor[id(bias)].decay) == (0.002, 0.0)


def test_a_parameter_without_gradient_stands_still() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    Momentum2012([ParameterGroup([weight], decay=1.0, rate=1.0)]).step()
    assert weight.tolist() == [1.0, 1.0]


def test_the_state_survives_a_checkpoint() -> None:
    def steps(weight: torch.nn.Parameter, update: Momentum2012, count: int) -> None:
        for _ in range(count):
            weight.grad = weight.detach() ** 2
            update.step()

    whole = torch.nn.Parameter(torch.full((3,), 0.5))
    steps(whole, Momentum2012([ParameterGroup([whole], rate=0.01)]), 8)
    part = torch.nn.Parameter(torch.full((3,), 0.5))
    first = Momentum2012([ParameterGroup([part], rate=0.01)])
    steps(part, first, 3)
    second = Momentum2012([ParameterGroup([part], rate=0.01)])
    second.load_state_dict(first.state_dict())
    steps(part, second, 5)
    assert torch.equal(whole, part)
