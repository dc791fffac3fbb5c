"""How far a proxy's networks must have trained, and that a baseline's halves agree: from gate to report."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import reproductions
from harness.contract.device import DeviceKind
from harness.contract.trial import Status, Trial
from harness.effects.from_runs import Measure, gap, metric
from harness.effects.statistics.intervals import paired_difference
from harness.paper.catalogue import claim
from harness.paper.claims import Claim, Metric
from harness.plans.ablation import BASELINE, training
from harness.plans.experiment import (
    Check,
    Evidence,
    Experiment,
    Finding,
    Lookup,
    Plan,
    Planned,
    Protocol,
    Reproduction,
    Role,
    Run,
)
from harness.plans.protocols import CONVERGED_SHORT, IMAGENETTE, SCARCE
from harness.records.conditions import Conditions
from harness.records.keys import plain
from harness.records.record import Record
from harness.records.schema import Measured
from harness.reporting.claims.sections import Section
from harness.reporting.pages import render
from harness.reporting.report import Report
from harness.verdicts.assessment import Assessment, assess
from harness.verdicts.gates import HALVES, UNDER_FITTED, fails_in_pilots
from harness.verdicts.rules import decided
from harness.verdicts.trained_enough import (
    FALL,
    alike,
    fall_at_first_rate,
    fitted,
    flattened,
    overfits,
    same_mean,
)
from harness.verdicts.verdict import Outcome
from tests.fakes.evidence.experiments import Tiny

BOTH = (Check.UNDER_FITTED, Check.HALVES)
OVERFITTING, NORM = claim("dropout-overfitting"), claim("lrn")
PROXY = Protocol("proxy", "made up", None, 5)
HERE = Conditions(DeviceKind.CPU, "made up")
PUBLISHED = Path(reproductions.__file__).parents[1] / "reports" / "2026-11-28-xeon-2-cores"
Metrics = Mapping[str, float]
Curve = tuple[dict[str, float | None], ...]


def reproduction(about: Claim, arms: tuple[str, ...], measure: Measure, **rest: str) -> Reproduction:
    """Arms that are trained once per seed; the second minus the first is judged."""

    def plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
        return Plan(
            tuple(Planned(Trial(Tiny(arm), seed), arm, Role.FINAL) for seed in range(seeds) for arm in arms)
        )

    def estimate(evidence: Evidence) -> Finding:
        values = [[measure(run) or 0.0 for run in evidence.final(arm)] for arm in (arms[1], arms[0])]
        return Finding({about.id: (paired_difference(about.primary.name, "points", *values),)})

    return Reproduction(about.id, (about.id,), (PROXY,), plan, estimate, **rest)  # type: ignore[arg-type]


DROPOUT = reproduction(
    OVERFITTING, ("with dropout", "without dropout"), gap, overfitting_arm="without dropout"
)
LRN = reproduction(NORM, ("paper", "source"), metric(Measured.TEN_TOP1))


def curve(loss: Callable[[float], float], stage: float = 20, parts: int = 4, after: float = 2) -> Curve:
    """A row after every part of an epoch: one stage at the first rate, then epochs at a tenth of it."""
    epochs = [(i + 1) / parts for i in range(int((stage + after) * parts))]
    return tuple(
        {"epoch": e, "rate": 0.02 if e <= stage else 0.002, "train_loss": loss(e) / (1 if e <= stage else 3)}
        for e in epochs
    )


def nothing(seed: int) -> Metrics:
    return {}


def answered(
    of: Reproduction, seeds: int = 5, gates: tuple[Check, ...] = BOTH, **arms: Callable[[int], Metrics]
) -> Evidence:
    """The experiment at a proxy, with metrics by arm (its first word) and seed, and flat curves."""

    def run(planned: Planned) -> Run:
        seed, arm = planned.trial.seed, planned.arm
        noise = 0.1 * (seed % 3) if arm == of.overfitting_arm or arm == "source" else 0.02 * seed
        plain = {"train_top1": 15.0, "centre_top1": 22.0 + noise, "ten_top1": 20.0 + noise}
        metrics = {**plain, **arms.get(arm.split()[0], nothing)(seed)}
        record = Record(
            f"{arm}-{seed}", "", {"settings": {}}, HERE, "", Status.OK, metrics, curve(lambda epoch: 1.0)
        )
        return Run(planned, record)

    plan = of.plan(PROXY, seeds, lambda trial: None)
    return Evidence(replace(PROXY, gates=gates), plan, tuple(map(run, plan.trials)))


def gap_of(points: float, spread: float = 0.5) -> Callable[[int], Metrics]:
    """Errors whose gap is that of the arm, on average over five seeds."""
    return lambda seed: {"train_top1": 20.0, "centre_top1": 20.0 + points + spread * (seed - 2)}


def with_curves(evidence: Evidence, arm: str, curves: Callable[[int], Curve]) -> Evidence:
    runs = tuple(
        replace(r, record=replace(r.record, curve=curves(r.seed))) if r.arm == arm else r
        for r in evidence.runs
    )
    return replace(evidence, runs=runs)


def judged(of: Reproduction, evidence: Evidence) -> Assessment:
    experiment = Experiment(of, evidence.protocol, 5, HERE)
    return assess(experiment, evidence, interim=False)


# ── under-fitted: overfitting ──


@given(st.lists(st.floats(0, 30), min_size=1, max_size=10))
def test_the_mean_gap_over_seeds_must_be_ten_points(gaps: list[float]) -> None:
    found = answered(DROPOUT, len(gaps), without=lambda seed: gap_of(gaps[seed], 0.0)(seed))
    mean = float(np.mean([(20.0 + g) - 20.0 for g in gaps]))
    answer = overfits(found, "without dropout")
    assert answer.stops == (mean < 10) or math.isclose(mean, 10)


def test_the_arm_without_the_remedy_is_asked_and_the_other_is_not() -> None:
    narrow = answered(DROPOUT, without=gap_of(9.0), **{"with": gap_of(25.0, 0.2)})
    assert judged(DROPOUT, narrow).verdict(OVERFITTING).headline == "invalid (under-fitted)"
    wide = answered(DROPOUT, without=gap_of(12.0), **{"with": gap_of(1.0, 0.2)})
    assert judged(DROPOUT, wide).verdict(OVERFITTING).headline == "directional (proxy)"


def test_where_no_arm_is_named_or_no_gate_declared_nothing_is_asked() -> None:
    narrow = answered(DROPOUT, without=gap_of(2.0), **{"with": gap_of(1.0, 0.2)})
    unnamed = replace(DROPOUT, overfitting_arm=None)
    assert judged(unnamed, narrow).verdict(OVERFITTING).outcome is Outcome.DIRECTIONAL
    assert fitted(OVERFITTING, narrow, unnamed).words == "not asked: no arm is named that must overfit"
    undeclared = answered(DROPOUT, gates=(), without=gap_of(2.0), **{"with": gap_of(1.0, 0.2)})
    case = judged(DROPOUT, undeclared).case(OVERFITTING)
    assert [gate.stopped(case) for gate in (UNDER_FITTED, HALVES)] == [(), ()]
    assert UNDER_FITTED.passed(case) == "not asked: the protocol does not declare it"


def test_a_claim_on_speed_is_asked_nothing() -> None:
    narrow = answered(DROPOUT, without=gap_of(2.0))
    answer = fitted(claim("dropout-iterations"), narrow, DROPOUT)
    assert (answer.stops, answer.words) == (False, "not asked: the claim is not about accuracy")


def test_runs_that_tell_no_gap_stop_the_case() -> None:
    found = answered(DROPOUT)
    without = tuple(replace(r, record=replace(r.record, metrics={})) for r in found.runs)
    answer = overfits(replace(found, runs=without), "without dropout")
    assert answer.stops
    assert answer.words == "no run of 'without dropout' has a gap between training and test error"


# ── under-fitted: accuracy ──


@given(
    st.floats(0, 0.05), st.sampled_from([1, 2, 4, 8]), st.floats(20, 60), st.integers(1, 6), st.floats(0.1, 3)
)
def test_a_loss_that_falls_evenly_falls_by_what_it_does(
    fall: float, parts: int, stage: float, seeds: int, level: float
) -> None:
    """By its fraction in each tenth of the stage, however often it is measured and whatever follows."""
    whole = math.floor(stage)
    falling = curve(lambda epoch: level * (1 - fall) ** (10 * epoch / whole), whole, parts)
    assert fall_at_first_rate([falling] * seeds) == pytest.approx(fall, abs=2e-3 * fall + 1e-12)


def test_a_fall_that_slows_is_never_taken_for_less_than_it_is() -> None:
    """1 + a e^(−t / τ): the last tenth's own fall by calculus, and the safe side."""
    for scale in (1.0, 2.0, 5.0, 20.0):
        loss = lambda epoch, scale=scale: 1 + 2 * math.exp(-epoch / scale)  # noqa: E731
        found = fall_at_first_rate([curve(loss)])
        assert found is not None
        assert found >= 1 - loss(20) / loss(18) - 1e-12


def test_noise_is_averaged_over_two_fifths_and_over_seeds() -> None:
    stream = np.random.default_rng(3)
    found = [
        fall_at_first_rate([curve(lambda e: 1 + 0.03 * stream.normal(), 20, 8) for _ in range(5)])
        for _ in range(400)
    ]
    # A line through 64 rows and 5 seeds, spread evenly over .4 of the stage; a tenth of its slope.
    error = 0.03 / math.sqrt(64 * 5) / (0.4 / math.sqrt(12)) / 10
    assert float(np.std([f for f in found if f is not None])) == pytest.approx(error, rel=0.15)


def test_a_power_of_time_is_taken_for_a_fifth_more_than_it_falls() -> None:
    found = fall_at_first_rate([curve(lambda epoch: epoch**-0.1, 40, 8)])
    assert found is not None
    assert found / (1 - 0.9**0.1) == pytest.approx(1.2, abs=0.03)


def test_a_loss_that_still_falls_fast_stops_a_claim_on_accuracy() -> None:
    arm = "paper"
    found = answered(LRN)
    slow = with_curves(found, arm, lambda seed: curve(lambda e: math.exp(-0.004 * e)))  # .8 % in two epochs
    fast = with_curves(found, arm, lambda seed: curve(lambda e: math.exp(-0.006 * e)))  # 1.2 %
    assert judged(LRN, slow).verdict(NORM).qualifier == "proxy"
    verdict = judged(LRN, fast).verdict(NORM)
    assert verdict.headline == "invalid (under-fitted)"
    assert verdict.reasons == (
        "gate under-fitted: the training loss of 'paper' fell by 1.19 % a tenth of its stage at the first "
        "rate, towards the end; a claim about accuracy needs a fall below 1 %",
    )
    assert verdict.advice == ()
    assert decided(verdict)  # more seeds would not be trained for longer


def test_what_follows_the_first_rate_and_other_arms_do_not_count() -> None:
    flat = answered(LRN)
    late = with_curves(flat, "paper", lambda seed: curve(lambda e: 1.0 if e <= 20 else 0.1))
    other = with_curves(flat, "source", lambda seed: curve(lambda e: 1 / e))
    assert not any(flattened(found, "paper").stops for found in (flat, late, other))


def test_a_rising_loss_is_said_to_rise() -> None:
    rising = with_curves(answered(LRN), "paper", lambda seed: curve(lambda e: 1 + 0.01 * e))
    assert "rose by" in flattened(rising, "paper").words
    assert not flattened(rising, "paper").stops


@pytest.mark.parametrize(
    ("protocol", "factor", "runs"), [(CONVERGED_SHORT, 1.0, 3), (SCARCE, 1.0, 9), (SCARCE, 0.5, 9)]
)
def test_a_protocol_is_marked_under_fitted_if_the_published_baseline_was(
    protocol: Protocol, factor: float, runs: int
) -> None:
    settings = plain(training(protocol, BASELINE, 0, factor).settings)
    records = [json.loads(file.read_bytes()) for file in PUBLISHED.glob("records/*.json")]
    curves = [r["curve"] for r in records if r["trial"]["settings"] == settings]
    assert len(curves) == runs
    fall = fall_at_first_rate(curves)
    assert protocol.under_fitted
    assert fall is not None
    assert fall > 2 * FALL


def test_pilots_stop_claims_about_accuracy_alone() -> None:
    about = ("lrn", "depth", "weight-decay", "crop-flip", "bias-init", "relu-speedup")
    assert [fails_in_pilots(claim(name), SCARCE) for name in about] == [True] * 3 + [False] * 3
    assert not any(fails_in_pilots(claim(name), IMAGENETTE) for name in about)


@pytest.mark.parametrize(
    "rows",
    [
        (),
        ({"epoch": 1.0, "rate": 0.1, "train_loss": None},),
        curve(lambda e: 1.0, 5, 1),
        curve(lambda e: math.inf),
    ],
)
def test_a_curve_too_coarse_to_tell_stops_the_case(rows: Curve) -> None:
    found = with_curves(answered(LRN), "paper", lambda seed: rows)
    answer = flattened(found, "paper")
    assert answer.stops
    assert answer.words == "no curve of 'paper' shows how its training loss fell"


# ── A/A ──


def of_baseline(values: list[float]) -> Evidence:
    return answered(LRN, len(values), paper=lambda seed: {"ten_top1": values[seed]})


@given(st.lists(st.floats(10, 30).map(lambda x: round(x, 3)), min_size=2, max_size=8), st.data())
def test_the_t_test_is_scipys(first: list[float], data: st.DataObject) -> None:
    second = data.draw(st.lists(st.floats(10, 30).map(lambda x: round(x, 3)), min_size=2, max_size=8))
    if min(np.ptp(first), np.ptp(second)) > 0.01:
        assert same_mean(first, second) == pytest.approx(stats.ttest_ind(first, second).pvalue, abs=1e-9)


def test_values_without_any_spread_agree_only_where_they_are_equal() -> None:
    assert same_mean([1.0, 1.0], [1.0, 1.0]) == 1.0
    assert same_mean([1.0, 1.0], [2.0, 2.0]) == 0.0


def test_even_and_odd_seeds_of_the_baseline_must_agree() -> None:
    def only(values: list[float]) -> Evidence:
        return answered(LRN, len(values), paper=lambda seed: {"ten_top1": values[seed]})

    apart = judged(LRN, only([20.0, 22.0, 20.1, 22.1, 20.2])).verdict(NORM)
    assert apart.headline == "invalid (A/A)"
    assert "even and odd seeds of 'paper' have means of 20.1 and 22.05 (p = 0.0002)" in apart.reasons[0]
    assert judged(LRN, only([20.0, 20.1, 20.2, 20.3, 20.4])).verdict(NORM).qualifier == "proxy"


def test_a_p_that_is_nearly_nought_is_said_to_be_small() -> None:
    answer = alike(NORM, of_baseline([20.0, 30.0, 20.001, 30.001, 20.002]))
    assert "(p < 0.0001)" in answer.words
    assert answer.stops


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_than_four_seeds_cannot_be_halved(n: int) -> None:
    answer = alike(NORM, of_baseline([20.0, 30.0, 20.0][:n]))
    assert not answer.stops
    assert answer.words.startswith(f"cannot be checked: 'paper' has {(n + 1) // 2} and {n // 2} of the")


@pytest.mark.parametrize(
    ("primary", "name"),
    [("gap", "centre_top1"), ("training error", "train_top1"), ("training loss", "train_loss")],
)
def test_halves_are_compared_in_what_the_claim_is_judged_by(primary: str, name: str) -> None:
    about = replace(NORM, metrics=(Metric(primary, "points"),))

    def values(seed: int) -> Metrics:
        rest = {"centre_top1": 30.0, "train_top1": 10.0, "ten_top1": 20.0, "train_loss": 1.0}
        return {**rest, name: rest[name] + 5 * (seed % 2) + 0.01 * seed}

    assert alike(about, answered(DROPOUT, 6, **{"with": values})).stops
    assert not alike(NORM, answered(DROPOUT, 6, **{"with": values})).stops


def test_runs_that_chose_a_rate_or_went_wrong_do_not_count() -> None:
    found = of_baseline([20.0, 20.1, 20.2, 20.1, 20.0, 90.0])

    def spoilt(run: Run) -> Run:
        if (run.arm, run.seed) != ("paper", 5):
            return run
        return replace(run, record=replace(run.record, status=Status.DIVERGED))

    runs = tuple(map(spoilt, found.runs))
    tuning = tuple(
        replace(r, planned=replace(r.planned, role=Role.TUNING)) if (r.arm, r.seed) == ("paper", 5) else r
        for r in found.runs
    )
    expected = alike(NORM, of_baseline([20.0, 20.1, 20.2, 20.1, 20.0])).words
    assert alike(NORM, replace(found, runs=runs)).words == expected
    assert alike(NORM, replace(found, runs=tuning)).words == expected


# ── from gate to report ──


def records(evidence: Evidence) -> tuple[Record, ...]:
    return tuple(run.record for run in evidence.runs)


@pytest.mark.parametrize(
    ("points", "badge", "words"),
    [
        (
            4.0,
            "invalid (under-fitted)",
            "the test error of 'without dropout' exceeds its training error by 4 points; a claim about "
            "overfitting needs 10",
        ),
        (14.0, "directional (proxy)", "excludes the no-effect value, on the claimed side"),
    ],
)
def test_a_proxy_that_cannot_show_the_claim_is_said_to_be_invalid_in_the_report(
    tmp_path: Path, points: float, badge: str, words: str
) -> None:
    evidence = answered(DROPOUT, without=gap_of(points), **{"with": gap_of(1.0, 0.2)})
    assessment = judged(DROPOUT, evidence)
    section = Section(OVERFITTING, DROPOUT, assessment, records(evidence))
    assert section.badges[0][1] == badge
    html, markdown = render(Report([section]), tmp_path)
    page = markdown.read_text(encoding="utf-8")
    assert badge in page
    assert words in page.replace("\\", "")
    assert badge in html.read_text(encoding="utf-8")


def test_protocols_declare_nothing_by_themselves() -> None:
    assert Protocol("cifar10", "", None, 5).gates == ()
