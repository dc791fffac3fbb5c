"""The catalogue holds every claim once, with figures and bands that follow the stated policy."""

from __future__ import annotations

import math
import re

import pytest

from harness.contract.errors import UnknownName
from harness.paper import bands
from harness.paper.catalogue import CLAIMS, claim
from harness.paper.claims import Band, Claim, Fit, Kind, Side

IDS = [
    "error-rate",
    "error-rate-2012",
    "ten-view",
    "relu-speedup",
    "lrn",
    "lrn-cifar",
    "overlapping-pooling",
    "two-gpu-error",
    "two-gpu-time",
    "colour-augmentation",
    "crop-flip",
    "dropout-overfitting",
    "dropout-iterations",
    "weight-decay",
    "bias-init",
    "depth",
    "ensemble",
    "pretraining",
    "fall-2009",
    "kernel-specialisation",
    "feature-neighbours",
    "architecture",
    "training-time",
    "augmentation-cost",
]


def test_every_claim_stands_once() -> None:
    assert [c.id for c in CLAIMS] == IDS


@pytest.mark.parametrize("entry", CLAIMS, ids=IDS)
def test_claims_are_complete(entry: Claim) -> None:
    assert all((entry.section, entry.statement, entry.figure, entry.estimand, entry.conditions))
    assert len({m.name for m in entry.metrics}) == len(entry.metrics)
    judged_by_side = entry.kind in (Kind.DIFFERENCE, Kind.RATIO, Kind.DIRECTION, Kind.QUALITATIVE)
    assert (entry.side is not None) == judged_by_side
    assert not judged_by_side or entry.null == {"×": 1.0, "%": 80.0}.get(entry.primary.unit, 0.0)


@pytest.mark.parametrize("entry", CLAIMS, ids=IDS)
def test_the_paper_lies_in_its_band_and_its_band_on_the_claimed_side(entry: Claim) -> None:
    for metric in entry.metrics:
        if metric.band and metric.paper is not None:
            assert metric.band.low <= metric.paper <= metric.band.high
    band = entry.primary.band
    if band and entry.null is not None:
        assert (band.low if entry.side is Side.ABOVE else -band.high) >= entry.null


@pytest.mark.parametrize("entry", CLAIMS, ids=IDS)
def test_the_2012_log_agrees_with_the_paper_to_its_rounding(entry: Claim) -> None:
    for metric in entry.metrics:
        if metric.logged_2012 is not None and metric.paper is not None:
            assert metric.logged_2012 == pytest.approx(metric.paper, abs=0.06)


def test_what_networks_must_have_come_to_follows_from_the_section_of_the_claim() -> None:
    """§4 is about overfitting; other claims on an error need a baseline that has learned; the rest none."""
    fits = {c.id: c.fit for c in CLAIMS if c.fit}
    remedies = {
        c.id for c in CLAIMS if c.section.startswith("4.") and c.kind in (Kind.DIFFERENCE, Kind.DIRECTION)
    }
    assert {name for name, fit in fits.items() if fit is Fit.OVERFITTED} == remedies
    flattened = {name for name, fit in fits.items() if fit is Fit.FLATTENED}
    differences = [c for c in CLAIMS if c.kind in (Kind.DIFFERENCE, Kind.DIRECTION)]
    errors = {c.id for c in differences if "error" in c.primary.name or "loss" in c.primary.name}
    assert flattened == errors - remedies


def test_times_have_no_band() -> None:
    timed = [
        *claim("two-gpu-time").metrics,
        *claim("augmentation-cost").metrics,
        claim("relu-speedup").metrics[1],
    ]
    assert [m.name for m in timed] == ["step time", "step time", "CPU seconds"]
    assert all(m.band is None for m in timed)


def test_band_policy() -> None:
    assert bands.difference_band(1.4) == Band(0.7, 2.1)
    assert bands.difference_band(0.4) == Band(0.1, 0.7)  # 0.3 points are more than half of 0.4
    assert bands.at_least(1.0) == claim("colour-augmentation").primary.band == Band(1.0, math.inf)
    assert bands.at_most(1.0) == claim("architecture").metrics[-1].band == Band(-math.inf, 1.0)
    assert bands.ratio_band(6.0) == Band(4.0, 9.0)
    assert bands.top1_band(37.5) == Band(36.5, 38.5)
    assert bands.top5_band(17.0) == Band(16.3, 17.7)


def test_known_figures() -> None:
    assert [m.paper for m in claim("ten-view").metrics] == [1.5, 1.3]
    assert [m.paper for m in claim("ensemble").metrics] == [2.6, 1.8]
    assert claim("two-gpu-error").primary.logged_2012 == 1.6953


def test_the_counts_are_judged_as_the_2012_network_has_them() -> None:
    parameters, neurons, *_, share = (m.band for m in claim("architecture").metrics)
    assert parameters is not None
    assert neurons is not None
    assert parameters.low <= 60_965_224 <= parameters.high
    assert neurons.low <= 659_272 <= neurons.high
    assert not neurons.low <= 622_312  # the sum of the numbers that Fig. 2 prints
    assert share == Band(-math.inf, 1.0)


def test_relu_speedup_is_declared_as_agreed() -> None:
    c = claim("relu-speedup")
    assert (c.kind, c.null, c.side, c.paper_scale) == (Kind.RATIO, 1.0, Side.ABOVE, "cifar10")
    assert (c.primary.name, c.primary.unit, c.primary.paper, c.primary.band) == (
        "epochs",
        "×",
        6.0,
        Band(4, 9),
    )


def test_an_unknown_claim_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match=re.escape("unknown claim 'relu-speed' (nearest: relu-speedup")):
        claim("relu-speed")
