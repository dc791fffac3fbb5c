"""The same network under two conditions: found by settings and seed, tested by its images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

from harness.contract.trial import Precision
from harness.plans.experiment import Planned, Role, Run
from harness.records.conditions import DataIdentity, Form
from harness.records.image_bits import packed
from harness.reporting.sides import EvidenceSide
from harness.verdicts.comparing.same_nets import NetOfRun, same_nets
from tests.fakes.evidence.experiments import HERE, trial
from tests.fakes.evidence.trials import record_for

IMAGES = 40
BF16 = replace(HERE, precision=Precision.BF16)
RIGHT = np.zeros(IMAGES, bool)


def net(arm: str, seed: int, wrong: np.ndarray, conditions=HERE) -> NetOfRun:  # type: ignore[no-untyped-def]
    one = replace(trial(arm, seed), precision=conditions.precision)
    bits = {"wrong": {"images": len(wrong), "ten_top1": packed(wrong)}}
    return NetOfRun(
        "made up", Run(Planned(one, arm, Role.FINAL), replace(record_for(one, conditions), details=bits))
    )


def first_wrong(count: int) -> np.ndarray:
    return np.arange(IMAGES) < count


def test_nets_are_paired_by_settings_and_seed() -> None:
    first = [net("relu", 0, first_wrong(9)), net("relu", 1, RIGHT), net("tanh", 0, RIGHT)]
    second = [net("relu", 2, RIGHT, BF16), net("tanh", 0, RIGHT, BF16), net("relu", 0, first_wrong(2), BF16)]
    found = {(one.first.run.arm, one.first.run.seed): one for one in same_nets(first, second)}
    assert list(found) == [("relu", 0), ("tanh", 0)]
    test = found["relu", 0].test
    assert (test.images, test.first_only, test.second_only) == (IMAGES, 7, 0)
    assert test.p == pytest.approx(scipy.stats.binomtest(7, 7).pvalue)
    assert found["relu", 0].differs == ("precision",)
    assert found["tanh", 0].test.p == 1.0


def test_p_is_adjusted_over_the_networks() -> None:
    first = [net("relu", seed, first_wrong(6)) for seed in range(3)]
    second = [net("relu", seed, RIGHT, BF16) for seed in range(3)]
    found = same_nets(first, second)
    assert [one.test.p for one in found] == [pytest.approx(2 / 2**6)] * 3
    assert [one.adjusted_p for one in found] == [pytest.approx(6 / 2**6)] * 3
    assert not any(one.unlike for one in found)
    assert same_nets(first[:1], second[:1])[0].unlike


def test_a_copied_record_is_no_second_network() -> None:
    assert same_nets([net("relu", 0, RIGHT)], [net("relu", 0, RIGHT)]) == []
    assert len(same_nets([net("relu", 0, RIGHT)], [net("relu", 0, first_wrong(1))])) == 1


def test_other_images_are_not_compared() -> None:
    other = replace(BF16, data=DataIdentity("cifar10", Form.STAND_IN, "gratings"))
    assert same_nets([net("relu", 0, RIGHT)], [net("relu", 0, RIGHT, other)]) == []
    assert same_nets([net("relu", 0, RIGHT)], [net("relu", 0, np.zeros(IMAGES + 1, bool), BF16)]) == []


def test_a_side_about_some_claims_has_only_their_networks() -> None:
    mine, other = (
        replace(net("relu", seed, RIGHT), claims=frozenset({name})) for seed, name in enumerate("ab")
    )
    side = EvidenceSide("a store", (), (mine, other))
    assert side.on(["a"]).nets == (mine,)
    assert side.on([]).nets == (mine, other)
