"""Every estimate finds an effect that was put into made-up records: its sign and its size.

Arms share a seed's luck, so that what is left between them is the effect and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

import reproductions
from harness.contract.effect import Effect
from harness.contract.trial import Trial
from harness.paper.catalogue import claim
from harness.plans.experiment import Evidence, Run, gather
from harness.records.keys import canonical
from harness.records.record import Record
from harness.verdicts.rules import judge
from harness.verdicts.verdict import Outcome
from tests.fakes.records import REAL, answer
from tests.fakes.trials import record_for

LUCK = (0.3, -0.2, 0.1)


def evidence(name: str, made: Mapping[str, Mapping[str, float]], protocol: str = "imagenet") -> Evidence:
    """Three seeds; each arm's numbers as given, plus the seed's luck in every percentage."""
    found = reproductions.named(name)
    scale = found.protocol(protocol).at(REAL.precision)
    arms = {canonical(p.trial.settings): p.arm for p in found.plan(scale, 3, lambda trial: None).trials}

    def lookup(trial: Trial) -> Record:
        numbers = made[arms[canonical(trial.settings)]]
        return record_for(trial, REAL, **{n: v + LUCK[trial.seed] for n, v in numbers.items()})

    return gather(found, scale, 3, lookup)


def effects(name: str, found: Evidence) -> dict[str, Effect]:
    """Effects of the claim of that name, by metric."""
    return {e.metric: e for e in reproductions.named(name).estimate(found).effects[name]}


def errors(top1: float, top5: float, centre: float = 50.0, train: float = 30.0) -> dict[str, float]:
    return {
        "ten_top1": top1,
        "ten_top5": top5,
        "centre_top1": centre,
        "centre_top5": 20.0,
        "train_top1": train,
    }


def estimates(name: str, found: Evidence) -> dict[str, float | None]:
    return {metric: e.estimate for metric, e in effects(name, found).items()}


def test_lrn() -> None:
    made = {
        "paper": errors(40, 18),
        "paper, no norm": errors(41.4, 19.2),
        "source": errors(39, 17),
        "source, no norm": errors(42, 19),
        "source, spatial norm alone": errors(41.5, 18.8),
    }
    found = estimates("lrn", evidence("lrn", made))
    assert list(found.values()) == pytest.approx([1.4, 1.2, 3.0, 2.0, 0.5, 0.2])
    assert list(found)[:2] == ["top-1 error", "top-5 error"]


def test_lrn_on_cifar_is_judged_by_the_matched_pair() -> None:
    made = {"13pct": errors(13, 1), "13pct with norm": errors(12, 1), "11pct as released": errors(11, 1)}
    found = estimates("lrn-cifar", evidence("lrn-cifar", made, "cifar10"))
    assert found == pytest.approx({"top-1 error": 1.0, "top-1 error, as released": 2.0})


def test_overlapping_pooling() -> None:
    made = {"3×3 windows": errors(40, 18, 42, 30), "2×2 windows": errors(40.4, 18.3, 43, 29)}
    found = estimates("overlapping-pooling", evidence("overlapping-pooling", made))
    assert list(found.values()) == pytest.approx([0.4, 0.3, 2.0])


def test_two_gpu_error() -> None:
    made = {
        "two columns": errors(40, 18),
        "one column, half the kernels": errors(41.7, 19.2),
        "two columns, no crossing": errors(41, 18.5),
    }
    found = estimates("two-gpu-error", evidence("two-gpu-error", made))
    assert list(found.values()) == pytest.approx([1.7, 1.2, 1.0, 0.5])


def test_colour_augmentation() -> None:
    made = {
        "colour noise": errors(40, 18),
        "no colour noise": errors(41.2, 18.6),
        "the source's colour noise": errors(40.5, 18.2),
    }
    found = estimates("colour-augmentation", evidence("colour-augmentation", made))
    assert list(found.values()) == pytest.approx([1.2, 0.6, 0.7, 0.4])


def overfitting(protocol: str, train: float) -> tuple[Evidence, Effect]:
    """Dropout's first claim, where the net of ten classes without it ended at this training error."""
    arms = {"with dropout": errors(40, 18), "without dropout": errors(90, 50, centre=90, train=train)}
    found = evidence("dropout", arms, protocol)
    return found, reproductions.named("dropout").estimate(found).effects["dropout-overfitting"][0]


def test_a_dead_network_shows_no_lack_of_overfitting() -> None:
    """Its gap is nothing, because it learned nothing."""
    found, effect = overfitting("imagenette-short", 89.9)
    assert effect.n == 0
    verdict = judge(claim("dropout-overfitting"), found, effect)
    assert verdict.outcome is Outcome.INVALID
    assert "runs that learned nothing were left out: " in verdict.reasons[0]


@pytest.mark.parametrize(("protocol", "train"), [("imagenette-short", 87.0), ("smoke", 89.9)])
def test_a_bad_network_counts_and_so_does_any_in_smoke(protocol: str, train: float) -> None:
    found, effect = overfitting(protocol, train)
    assert effect.n == 3
    assert judge(claim("dropout-overfitting"), found, effect).outcome is not Outcome.INVALID


@pytest.mark.parametrize(
    ("name", "claim", "with_it", "without"),
    [
        ("crop-flip", "crop-flip", "crops and flips", "centre crops"),
        ("dropout", "dropout-overfitting", "with dropout", "without dropout"),
    ],
)
def test_overfitting_is_a_gap_that_grows_without(name: str, claim: str, with_it: str, without: str) -> None:
    """Gaps of 42 − 35 and of 50 − 10 points."""
    made = {with_it: errors(40, 18, 42, 35), without: errors(47, 22, 50, 10)}
    assert estimates(claim, evidence(name, made))["gap"] == pytest.approx(33)


def test_weight_decay_goes_by_the_training_error() -> None:
    made = {"decay 5e-4": errors(40, 18, train=30), "no decay": errors(40, 18, train=31.5)}
    found = estimates("weight-decay", evidence("weight-decay", made))
    assert list(found.values()) == pytest.approx([1.5, 0, 0])
    assert next(iter(found)) == "training error"


def test_depth_is_judged_by_the_layer_that_costs_least() -> None:
    losses = {"conv2": 5.0, "conv3": 2.5, "conv4": 1.5, "conv5": 3.0}
    made = {"all layers": errors(40, 18)} | {
        f"without {name}": errors(40 + loss, 18) for name, loss in losses.items()
    }
    found = estimates("depth", evidence("depth", made))
    assert found["top-1 error"] == pytest.approx(1.5)
    assert list(found.values())[1:] == pytest.approx(list(losses.values()))
    made["without conv3"] = errors(39.5, 18)
    assert estimates("depth", evidence("depth", made))["top-1 error"] == pytest.approx(-0.5)


def test_error_rate_and_what_ten_views_gain() -> None:
    found = evidence("error-rate", {"paper": errors(37.5, 17.0, 39.0) | {"centre_top5": 18.3}})
    mean = sum(LUCK) / 3
    assert estimates("error-rate", found) == pytest.approx(
        {"top-1 error": 37.5 + mean, "top-5 error": 17 + mean}
    )
    assert estimates("ten-view", found) == pytest.approx({"top-1 error": 1.5, "top-5 error": 1.3})


def curve(column: str, reached: float) -> tuple[dict[str, float | None], ...]:
    """Forty looks an epoch for ten epochs; the column falls below any level when `reached` is complete."""
    looks = [look / 40 for look in range(1, 401)]
    return tuple({"epoch": epoch, column: 9.0 if epoch < reached else 0.0} for epoch in looks)


@pytest.mark.parametrize(
    ("name", "claim", "column", "slow", "fast"),
    [
        ("dropout", "dropout-iterations", "train_loss", "with dropout", "without dropout"),
        ("bias-init", "bias-init", "train_error", "biases of 0", "biases of 1"),
    ],
)
def test_speed_is_slow_over_fast(name: str, claim: str, column: str, slow: str, fast: str) -> None:
    """Eight epochs against four, whatever a seed adds to both: twice as many, to the width of a bracket."""
    plain = evidence(name, dict.fromkeys([r.arm for r in finals(name)], errors(40, 18)))
    runs = tuple(
        replace(
            run,
            record=replace(run.record, curve=curve(column, needed(run.arm, slow) * (1 + LUCK[run.seed] / 4))),
        )
        for run in plain.runs
    )
    effect = effects(claim, replace(plain, runs=runs))["epochs"]
    assert (effect.n, effect.censored) == (3, 0)
    assert effect.estimate == pytest.approx(2.0, rel=0.01)
    assert needed(fast, slow) == 4.0


def needed(arm: str, slow: str) -> float:
    return 8.0 if arm == slow else 4.0


def finals(name: str) -> tuple[Run, ...]:
    found = reproductions.named(name)
    return gather(found, found.protocol("imagenet"), 3, answer).runs


def measured(name: str, numbers: Mapping[str, tuple[float, float, float]]) -> Evidence:
    """A measurement's evidence with these numbers by metric and seed; networks as they may be."""
    found = reproductions.named(name)

    def lookup(trial: Trial) -> Record:
        if hasattr(trial.settings, "of"):
            return record_for(trial, REAL, **{metric: by[trial.seed] for metric, by in numbers.items()})
        return answer(trial)

    return gather(found, found.protocol("imagenet"), 3, lookup)


def test_ensemble_is_single_less_average() -> None:
    found = measured(
        "ensemble",
        {
            "single_top1": (40.7, 40.9, 40.5), "average_top1": (38.1, 38.3, 37.9),
            "single_top5": (18.2, 18.2, 18.2), "average_top5": (16.4, 16.5, 16.3),
        },
    )  # fmt: skip
    assert estimates("ensemble", found) == pytest.approx({"top-1 error": 2.6, "top-5 error": 1.8})


def test_feature_neighbours_is_features_less_pixels() -> None:
    found = measured("feature-neighbours", {"features": (70, 72, 74), "pixels": (30, 31, 32)})
    assert list(estimates("feature-neighbours", found).values()) == pytest.approx([41, 72, 31])


def test_kernel_specialisation_is_a_geometric_mean() -> None:
    names = ("observed", "permutation_p", "chroma_first", "chroma_second")
    found = measured("kernel-specialisation", {"ratio": (1, 2, 4)} | dict.fromkeys(names, (0.1, 0.2, 0.3)))
    effect = effects("kernel-specialisation", found)["chroma ratio"]
    assert effect.estimate == pytest.approx(2.0)
    (table,) = reproductions.named("kernel-specialisation").estimate(found).tables
    assert [row[0] for row in table.rows] == [0, 1, 2]
