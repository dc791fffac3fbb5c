"""Error rates of every way to estimate, simulated; each is broken once, and the checks notice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.contract.effect import Effect
from harness.effects.statistics import intervals
from harness.effects.statistics.exact import Values
from harness.effects.statistics.two_way import ImagePart
from harness.verdicts.calibration import estimates
from harness.verdicts.calibration.estimates import family_rows, spread_rows, violations, worlds
from harness.verdicts.calibration.simulation import calibrate

WORLDS = {w.kind: w for w in worlds()}
N = 1500


def test_every_promise_holds() -> None:
    rows = [row for w in WORLDS.values() for truth in w.truths for row in calibrate(w, truth, 60)]
    assert violations(rows, []) == []
    assert {r.kind for r in rows} == set(WORLDS)


@pytest.mark.slow
def test_larger_samples_keep_the_promises_too() -> None:
    some = [("pooled, 15 in the baseline", "null"), ("any of four, one costs least", "null")]
    some += [("images, 15 in the baseline", "null"), ("any of four, all alike", "high edge")]
    assert violations([row for kind, truth in some for row in calibrate(WORLDS[kind], truth, N)], []) == []


def broken(kind: str, truth: str, experiments: int = N) -> str:
    return "\n".join(violations(calibrate(WORLDS[kind], truth, experiments), []))


Patch = pytest.MonkeyPatch


def test_the_smallest_estimate_in_place_of_the_intersection_is_noticed(monkeypatch: Patch) -> None:
    def picked(effects: Sequence[Effect]) -> Effect:
        return min(effects, key=lambda effect: effect.estimate or 0.0)

    monkeypatch.setattr(estimates, "smallest", picked)
    assert "all alike, paper, 10 seeds: intervals cover the truth in" in broken(
        "any of four, all alike", "paper"
    )


def test_images_that_are_taken_as_known_are_noticed(monkeypatch: Patch) -> None:
    def alone(name: str, unit: str, first: Values, second: Values, images: ImagePart | None = None) -> Effect:
        return intervals.pooled(name, unit, first, second)

    monkeypatch.setattr(estimates, "pooled", alone)
    assert "paper, 10 seeds: intervals cover the truth in" in broken("images, 15 in the baseline", "paper")


def test_a_larger_baseline_adds_power() -> None:
    """What a larger baseline is for: more of the true effects are found."""
    (at_five,) = (r for r in calibrate(WORLDS["pooled, 15 in the baseline"], "paper", 400) if r.seeds == "5")
    (grown,) = (
        r for r in calibrate(WORLDS["pooled, as many in the baseline"], "paper", 400) if r.seeds == "5"
    )
    assert at_five.reproduced > grown.reproduced


def test_families_of_claims_and_of_arms_keep_their_level() -> None:
    rows = list(family_rows(150))
    assert violations([], rows) == []
    raw = {(r.kind, r.nulls): r.raw for r in rows}
    assert raw["Holm, 17 claims", "17 of 17"] > 0.3
    assert raw["Dunnett, 4 arms", "4 of 4"] > 0.08
    assert raw["Holm, 17 claims at looks", "17 of 17"] > raw["Holm, 17 claims", "17 of 17"]


def test_unadjusted_families_are_noticed(monkeypatch: Patch) -> None:
    monkeypatch.setattr(estimates, "holm", dict)
    assert (
        "Holm, 17 claims, 17 of 17 null: an adjusted p errs in" in violations([], list(family_rows(100)))[0]
    )


def test_a_noisier_arm_of_few_runs_is_what_a_pooled_variance_cannot_bear() -> None:
    found = {(r.runs, r.spread): r.coverage for r in spread_rows(600)}
    assert found["5 against 15", 2.0] < 0.92 < found["5 against 15", 1.0]
    assert found["5 against 15", 0.67] > 0.95


def test_the_command_prints_three_tables(capsys: pytest.CaptureFixture[str], monkeypatch: Patch) -> None:
    monkeypatch.setattr(estimates, "worlds", lambda: (WORLDS["direction, 15 in the baseline"],))
    assert estimates.main(["--experiments", "20"]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n| --- |") == 3
    assert "every promise holds" in err
