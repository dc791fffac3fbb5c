"""Schedules against tables written by hand, and the rates that reach the weights."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness.models.alexnet import alexnet
from harness.models.network import Net
from harness.records.keys import canonical
from harness.training.schedules import LOGGED, Plateau, Stage, Stages, Steps
from harness.training.update import Momentum2012, apply, groups

LAYERS = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8"]
# Run 145-2010: first epoch, conv1's weights and biases, all other weights, other biases, colours, over.
# Biases are at twice the rate that the weights began with, and stay there.
LOG = [
    (0, 0.01, 0.02, 0.01, 0.02, True, False),
    (22, 0.01, 0.02, 0.01, 0.02, True, False),
    (23, 0.001, 0.02, 0.001, 0.02, True, False),
    (50, 0.001, 0.02, 0.001, 0.02, True, False),
    (51, 0.0001, 0.02, 0.0001, 0.02, True, False),
    (67, 0.0001, 0.02, 0.0001, 0.02, True, False),
    (68, 0.00001, 0.02, 0.0001, 0.02, False, False),
    (71, 0.00001, 0.02, 0.0001, 0.02, False, False),
    (72, 0, 0, 0.0001, 0.02, False, False),
    (77, 0, 0, 0.0001, 0.02, False, False),
    (78, 0, 0, 0.00001, 0.02, False, False),
    (92, 0, 0, 0.00001, 0.02, False, False),
    (93, 0, 0, 0.00001, 0.02, False, True),
]


def small_net() -> Net:
    return Net(alexnet(side=67, width=0.05, classes=4, dropout=0.0)).initialise(0)


def rates(update: Momentum2012) -> dict[tuple[str, bool], float]:
    return {(group.layer, group.bias): group.rate for group in update.groups}


@pytest.mark.parametrize(("epoch", "conv1", "conv1_bias", "others", "biases", "colour", "over"), LOG)
def test_the_log_of_2010(
    epoch: int, conv1: float, conv1_bias: float, others: float, biases: float, colour: bool, over: bool
) -> None:
    setting = LOGGED.at(epoch, 0, [])
    update = Momentum2012(groups(small_net(), bias_factor=2.0, bias_decay=False), momentum=0.9)
    apply(setting, update)
    expected = {("conv1", False): conv1, ("conv1", True): conv1_bias}
    for layer in LAYERS[1:]:
        expected |= {(layer, False): others, (layer, True): biases}
    assert rates(update) == pytest.approx(expected)
    assert (setting.colour, setting.finished) == (colour, over)


@pytest.mark.parametrize(
    ("iteration", "rate"),
    [
        (0, 1e-2), (99_999, 1e-2), (100_000, 1e-3), (199_999, 1e-3), (200_000, 1e-4), (300_000, 1e-5),
        (399_999, 1e-5), (400_000, 1e-6), (449_999, 1e-6),
    ],
)  # fmt: skip
def test_steps_of_caffe(iteration: int, rate: float) -> None:
    setting = Steps().at(0, iteration, [])
    update = Momentum2012(groups(small_net(), bias_factor=2.0, bias_decay=False), momentum=0.9)
    apply(setting, update)
    weights_and_biases = {(layer, bias): rate * (1 + bias) for layer in LAYERS for bias in (False, True)}
    assert rates(update) == pytest.approx(weights_and_biases)
    assert setting.colour
    assert not setting.finished
    assert Steps().at(0, 450_000, []).finished


def test_plateau_by_hand() -> None:
    plateau = Plateau(patience=2, least=0.01, max_epochs=100)
    errors = [0.9, 0.8, 0.8, 0.795, 0.6, 0.605, 0.5, 0.5, math.nan, 0.4, 0.395, 0.4, 0.38, 0.39, 0.375]
    # After each epoch: which drop it is at. 0.795 is not 0.01 below 0.8; 0.6 starts over; NaN never improves;
    # the first error at a new rate is the best at that rate.
    drops = [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4]
    for epoch, drop in enumerate(drops, start=1):
        setting = plateau.at(epoch, 0, errors[:epoch])
        assert setting.rate == setting.bias_rate == pytest.approx(0.01 * 0.1 ** min(drop, 3))
        assert setting.finished == (drop == 4)


def test_a_plateau_is_one_of_the_rate_at_hand() -> None:
    """What counts is improvement at the current rate, though the best at an earlier one was better."""
    errors = [0.5, 0.6, 0.6, 0.58, 0.56, 0.54]
    assert Plateau(patience=2).at(6, 0, errors).rate == pytest.approx(0.001)


@given(st.lists(st.floats(0, 1) | st.just(math.nan), max_size=80))
def test_a_plateau_lowers_at_most_three_times_and_never_raises(errors: list[float]) -> None:
    plateau = Plateau()
    seen = [plateau.at(n, 0, errors[:n]) for n in range(len(errors) + 1)]
    assert seen[0].rate == 0.01
    for before, after in pairwise(seen):
        assert after.rate in (before.rate, pytest.approx(before.rate / 10))
        assert after.finished >= before.finished
    assert seen[-1].rate >= 0.01 / 1000 * 0.999
    assert plateau.at(90, 0, []).finished


def test_an_error_that_keeps_falling_keeps_the_rate() -> None:
    errors = [0.9 * 0.98**epoch for epoch in range(89)]
    assert Plateau().at(89, 0, errors) == Plateau().at(0, 0, [])


def test_what_is_frozen_stands_still_at_once_and_can_go_on() -> None:
    net = small_net()
    update = Momentum2012(groups(net, bias_factor=2.0, bias_decay=False), momentum=0.9)
    with torch.no_grad():  # large enough for every gradient to show in one step
        for _, tensor, _ in net.weighted():
            tensor.mul_(0.1 / tensor.std())
    (_, weight, bias), (_, next_weight, _), *_ = net.weighted()
    watched = (weight, bias, next_weight)

    def step(epoch: int) -> list[float]:
        """How far one step at that epoch moves each of the three."""
        apply(LOGGED.at(epoch, 0, []), update)
        before = [p.detach().clone() for p in watched]
        torch.autograd.backward(net(torch.randn(4, 3, 67, 67)).sum())
        update.step()
        update.forget_gradients()
        return [float((p.detach() - q).abs().max()) for p, q in zip(watched, before, strict=True)]

    assert min(step(71)) > 0
    frozen_weight, frozen_bias, other = step(72)
    assert (frozen_weight, frozen_bias) == (0, 0)  # though the velocity is not
    assert update.velocity[weight].abs().max() > 0
    assert other > 0
    assert weight.grad is None
    assert min(step(0)) > 0


def test_before_a_schedule_speaks_nothing_moves() -> None:
    net = small_net()
    assert all(group.rate == 0 for group in groups(net, 1.0, True))


@pytest.mark.parametrize("bias_decay", [False, True])
def test_groups_hold_every_parameter_once_with_its_decay(bias_decay: bool) -> None:
    net = small_net()
    made = list(groups(net, 2.0, bias_decay))
    assert sorted(id(p) for group in made for p in group.parameters) == sorted(map(id, net.parameters()))
    assert [group.layer for group in made[::2]] == LAYERS
    for weights, biases in zip(made[::2], made[1::2], strict=True):
        assert (weights.bias, weights.factor, weights.decay) == (False, 1.0, 5e-4)
        assert (biases.bias, biases.factor, biases.decay) == (True, 2.0, 5e-4 * bias_decay)
        assert biases.parameters[0].ndim == 1


@pytest.mark.parametrize(
    "stages",
    [(), (Stage(1, 0.1),), (Stage(0, 0.1), Stage(9, 0.1)), (Stage(0, 1.0), Stage(5, 0.1), Stage(4, 0.1))],
)
def test_stages_out_of_order_are_refused(stages: tuple[Stage, ...]) -> None:
    with pytest.raises(ValueError, match="must ascend"):
        Stages(stages, 0.1, 9)


def test_schedules_are_plain_data() -> None:
    texts = {canonical(schedule) for schedule in (LOGGED, Plateau(), Plateau(patience=4), Steps())}
    assert len(texts) == 4


def test_schedules_and_recipes_need_no_torch() -> None:
    script = "import sys, harness.training.scheduled.recipes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
