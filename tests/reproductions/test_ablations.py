"""Every estimate finds the effect that was put into made-up records: its sign and its size.

Arms share a seed's luck, so that they differ by the effect and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pytest

import reproductions
from harness.contract.effect import Effect
from harness.contract.trial import Trial
from harness.paper.catalogue import claim
from harness.plans.experiment import Evidence, Experiment, gather
from harness.records.keys import canonical
from harness.records.record import Record
from harness.testing.records import REAL, answer
from harness.verdicts.assessment import assess
from harness.verdicts.gates import Case
from harness.verdicts.rules import judge
from harness.verdicts.verdict import Outcome
from reproductions import bias_init as BIASES  # noqa: N812
from reproductions import lrn as LRN  # noqa: N812
from tests.fakes.evidence.trials import record_for

LUCK = (0.3, -0.2, 0.1)


def evidence(name: str, made: Mapping[str, Mapping[str, float]], protocol: str = "imagenet") -> Evidence:
    """Three seeds; each arm's numbers as given, plus the seed's luck in every percentage."""
    found = reproductions.named(name)
    scale = found.protocol(protocol).at(REAL.precision)
    arms: dict[str, str] = {}

    def lookup(trial: Trial) -> Record | None:
        arm = arms.get(canonical(trial.settings))
        if arm is None:
            return None
        luck = LUCK[trial.seed % len(LUCK)]
        return record_for(trial, REAL, **{n: v + luck for n, v in made[arm].items()})

    while True:  # an arm's own rate is known once the trials that choose it have run
        plan = found.plan(scale, 3, lookup)
        known = {canonical(p.trial.settings): p.arm for p in plan.trials}
        if known.keys() <= arms.keys():
            return gather(found, scale, 3, lookup)
        arms |= known


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
        "train_loss": train / 10,
        "ten_loss": top1 / 20,
        "shifted_top1": centre + 5,
    }


def estimates(name: str, found: Evidence) -> dict[str, float | None]:
    return {metric: e.estimate for metric, e in effects(name, found).items()}


def test_lrn() -> None:
    """At the paper's scale judged against no norm; at a proxy against the constant in its place."""
    made = {
        "paper": errors(40, 18),
        "paper, constant": errors(40.6, 18.1),
        "paper, no norm": errors(41.4, 19.2),
        "source": errors(39, 17),
        "source, constant": errors(39.9, 17.5),
        "source, no norm": errors(42, 19),
        "source, spatial norm alone": errors(41.5, 18.8),
    }
    at_scale = evidence("lrn", made)
    variant = replace(at_scale, protocol=replace(at_scale.protocol, name="a-variant", scale="imagenet"))
    assert estimates("lrn", variant) == estimates("lrn", at_scale)
    whole = list(estimates("lrn", at_scale).items())
    assert [name for name, _ in whole[:3]] == ["top-1 error", "top-5 error", "loss"]
    top1 = [estimate for name, estimate in whole if name.startswith("top-1")]
    assert top1 == pytest.approx([1.4, 0.6, 0.9, 3.0, 0.5])
    proxy = estimates("lrn", evidence("lrn", made, "cifar10-converged"))
    assert proxy["top-1 error"] == pytest.approx(0.6)
    assert proxy["top-1 error, against paper, no norm"] == pytest.approx(1.4)


@pytest.mark.parametrize(("varies", "judged"), [(0.02, False), (0.051, True)])
def test_norms_that_are_constants_show_nothing(varies: float, judged: bool) -> None:
    """The larger spread of the two norms counts, and only at a proxy."""
    made = dict.fromkeys(LRN.ARMS, errors(40, 18))
    for protocol, void in (("cifar10-converged", not judged), ("imagenet", False), ("smoke", False)):
        plain = evidence("lrn", made, protocol)
        details = {"norms": [{"load": 1.0, "factor": 0.5, "spread": s} for s in (varies, 0.01)]}
        runs = tuple(replace(run, record=replace(run.record, details=details)) for run in plain.runs)
        finding = reproductions.named("lrn").estimate(replace(plain, runs=runs))
        assert ("lrn" in finding.void) is void


def test_lrn_on_cifar_is_judged_by_the_matched_pair() -> None:
    made = {"13pct": errors(13, 1), "13pct with norm": errors(12, 1), "11pct as released": errors(11, 1)}
    found = estimates("lrn-cifar", evidence("lrn-cifar", made, "cifar10"))
    assert found == pytest.approx({"top-1 error": 1.0, "top-1 error, as released": 2.0})


def test_overlapping_pooling() -> None:
    made = {"3×3 windows": errors(40, 18, 42, 30), "2×2 windows": errors(40.4, 18.3, 43, 29)}
    found = estimates("overlapping-pooling", evidence("overlapping-pooling", made))
    assert list(found.values()) == pytest.approx([0.4, 0.3, 0.02, 2.0])


def test_overlapping_pooling_shows_first_what_the_verdict_rests_on() -> None:
    """At a proxy its cross-entropy, at the paper's scale its error."""
    made = {"3×3 windows": errors(40, 18), "2×2 windows": errors(40.4, 18.3)}
    about, pooling = claim("overlapping-pooling"), reproductions.named("overlapping-pooling")
    for name, first in {"imagenet": "top-1 error", "imagenette-short": "loss"}.items():
        experiment = Experiment(pooling, pooling.protocol(name).at(REAL.precision), 3, REAL)
        found = assess(experiment, evidence("overlapping-pooling", made, name), interim=False)
        shown = [effect.metric for effect in found.effects(about)]
        assert shown[0] == found.case(about).claim.primary.name == first
        assert set(shown) >= {"top-1 error", "top-5 error", "loss"}


def test_two_gpu_error() -> None:
    made = {
        "two columns": errors(40, 18),
        "one column, half the kernels": errors(41.7, 19.2),
        "one column, as many parameters": errors(40.9, 18.7),
        "two columns, no crossing": errors(41, 18.5),
    }
    found = estimates("two-gpu-error", evidence("two-gpu-error", made))
    assert list(found.values()) == pytest.approx([1.7, 1.2, 0.085, 0.9, 0.7, 0.045, 1.0, 0.5, 0.05])


def test_colour_augmentation() -> None:
    made = {
        "colour noise": errors(40, 18),
        "no colour noise": errors(41.2, 18.6, centre=53),
        "the source's colour noise": errors(40.5, 18.2),
    }
    found = estimates("colour-augmentation", evidence("colour-augmentation", made))
    assert list(found.values()) == pytest.approx([1.2, 0.6, 0.06, 0.7, 0.4, 0.035, 3.0, 3.0])


def overfitting(protocol: str, train: float) -> tuple[Evidence, Effect]:
    """Dropout's first claim, if the net of ten classes without it ended at this training error."""
    arms = {"with dropout": errors(40, 18), "without dropout": errors(90, 50, centre=90, train=train)}
    found = evidence("dropout", arms, protocol)
    return found, reproductions.named("dropout").estimate(found).effects["dropout-overfitting"][0]


def test_a_dead_network_shows_no_lack_of_overfitting() -> None:
    """Its gap is zero because it learned nothing."""
    found, effect = overfitting("imagenette-short", 89.9)
    assert effect.n == 0
    verdict = judge(Case(claim("dropout-overfitting"), found, effect))
    assert verdict.outcome is Outcome.INVALID
    assert "runs that learned nothing were left out: " in verdict.reasons[0]


@pytest.mark.parametrize(("protocol", "train"), [("imagenette-short", 87.0), ("smoke", 89.9)])
def test_a_bad_network_counts_and_so_does_any_in_smoke(protocol: str, train: float) -> None:
    found, effect = overfitting(protocol, train)
    assert effect.n == 3
    assert judge(Case(claim("dropout-overfitting"), found, effect)).outcome is not Outcome.INVALID


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


def test_weight_decay_goes_by_the_training_loss() -> None:
    made = {
        "decay": errors(40, 18, train=30),
        "no decay": errors(40, 18, train=31.5),
        "four times the decay": errors(40, 18, train=32),
    }
    found = estimates("weight-decay", evidence("weight-decay", made))
    assert list(found.values()) == pytest.approx([0.15, 1.5, -0.05, 0, 0, 0])
    assert next(iter(found)) == "training loss"


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


def with_curves(found: Evidence, losses: Mapping[str, Sequence[float]], column: str) -> Evidence:
    """The evidence with a curve for every run of an arm: a value of the column after each epoch."""
    runs = tuple(
        replace(run, record=replace(run.record, curve=tuple(_rows(losses[run.arm], column))))
        for run in found.runs
    )
    return replace(found, runs=runs)


def _rows(losses: Sequence[float], column: str) -> Iterator[dict[str, float | None]]:
    for epoch, loss in enumerate(losses, start=1):
        yield {"epoch": float(epoch), column: loss}


def test_dropouts_iterations_go_by_the_first_plateau() -> None:
    """Falls by a tenth per epoch for 8 epochs against 4, then stands: smoothing shifts both equally."""
    arms = dict.fromkeys(("with dropout", "without dropout"), errors(40, 18))
    falling = {arm: [0.9 ** min(e, end) for e in range(30)] for arm, end in zip(arms, (18, 8), strict=True)}
    found = with_curves(evidence("dropout-iterations", arms), falling, "validation_loss")
    (effect,) = effects("dropout-iterations", found).values()
    assert (effect.n, effect.censored) == (3, 0)
    assert effect.estimate == pytest.approx(20.5 / 10.5)  # epochs 20 to 21, and 10 to 11
    table = reproductions.named("dropout-iterations").estimate(found).tables[1]
    assert [row[1] for row in table.rows[:11]] == [1.0] * 11  # while both fall they are equally fast


def test_early_training_is_the_area_under_chance() -> None:
    """A loss that is at once 1 nat below chance, against half a nat: twice the area, in two epochs."""
    arms = dict.fromkeys(BIASES.ARMS, errors(40, 18))
    plain = evidence("bias-init", arms, "cifar10-early")
    chance = math.log(10)
    depth = dict(zip(BIASES.ARMS, (1.0, 0.5, 0.9, 0.3), strict=True))
    losses = {arm: [chance - 1e-9, *([chance - d] * 2)] for arm, d in depth.items()}
    found = effects("bias-init", with_curves(plain, losses, "train_loss"))
    assert found["area"].estimate == pytest.approx(2.0, rel=1e-6)
    assert found["area, σ = .03 in conv3–5"].estimate == pytest.approx(3.0, rel=1e-6)
    assert found["area, σ = .03 ÷ σ = .01 with biases of 0"].estimate == pytest.approx(0.6, rel=1e-6)
    assert found["area, σ = .03 ÷ σ = .01 with biases of 1"].estimate == pytest.approx(0.9, rel=1e-6)


def measured(name: str, numbers: Mapping[str, tuple[float, float, float]]) -> Evidence:
    """A measurement's evidence with these numbers by metric and seed, for any networks."""
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
    shares = {"features": (70, 72, 74), "pixels": (30, 31, 32), "untrained": (33, 34, 35)}
    found = measured("feature-neighbours", shares | {"pixel_rank": (20, 25, 30)})
    assert list(estimates("feature-neighbours", found).values()) == pytest.approx([41, 72, 31, 38, 25])


def test_kernel_specialisation_is_a_share_of_networks() -> None:
    names = ("observed", "chroma_first", "chroma_second")
    p = {"permutation_p": (0.01, 0.2, 0.04), "energy_p": (0.3, 0.2, 0.04)}
    made = {"ratio": (1, 2, 4)} | p | dict.fromkeys(names, (0.1, 0.2, 0.3))
    found = measured("kernel-specialisation", made)
    of = effects("kernel-specialisation", found)
    assert of["networks that specialise"].estimate == pytest.approx(100 * 2 / 3)
    assert of["networks that specialise, by colours' energy"].estimate == pytest.approx(100 / 3)
    assert of["chroma ratio"].estimate == pytest.approx(2.0)
    (table,) = reproductions.named("kernel-specialisation").estimate(found).tables
    assert [row[0] for row in table.rows] == [0, 1, 2]
