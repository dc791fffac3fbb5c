"""The verdicts' error rates, by short simulations; every rule is broken once, to see that checks notice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from harness.contract.effect import Effect, Interval
from harness.effects.statistics import intervals
from harness.effects.statistics.intervals import paired_ratio
from harness.effects.statistics.time_to_event import Time
from harness.paper.claims import Claim
from harness.verdicts import rules
from harness.verdicts.calibration import simulation
from harness.verdicts.calibration.simulation import CalibrationRow, calibrate, violations, worlds
from harness.verdicts.power import power

WORLDS = {w.kind: w for w in worlds()}
N = 1500  # enough to tell 10 % from 5 % with a chance of a false alarm below 1 %
FEW = 500  # enough to notice a rule that is broken more severely


@pytest.fixture(scope="module")
def table() -> list[CalibrationRow]:
    return simulation.calibrate_all(experiments=200)


def test_every_promise_holds(table: list[CalibrationRow]) -> None:
    assert violations(table) == []


def test_every_kind_is_tried_at_every_truth_and_number_of_seeds(table: list[CalibrationRow]) -> None:
    tried = {(r.kind, r.truth, r.seeds) for r in table}
    assert tried == {
        (k, t, s) for k, w in WORLDS.items() for t in w.truths for s in ("3", "5", "10", "looks")
    }
    for kind in ("difference", "ratio", "ratio, half censored"):
        assert list(WORLDS[kind].truths) == ["null", "low edge", "paper", "high edge", "far", "other side"]


def test_rates_are_shares_of_all_experiments(table: list[CalibrationRow]) -> None:
    for r in table:
        assert r.reproduced + r.directional + r.not_reproduced + r.inconclusive == pytest.approx(1)


def test_larger_samples_keep_the_promises_too() -> None:
    """All in one family: separately, each would have its own false alarms."""
    some = [("level", "high edge"), ("difference", "null"), ("ratio", "low edge")]
    assert violations([row for kind, truth in some for row in calibrate(WORLDS[kind], truth, N)]) == []


def test_the_power_formula_agrees_with_the_simulation() -> None:
    world = WORLDS["difference"]
    band = world.claim.primary.band
    assert band is not None
    simulated = {r.seeds: r.reproduced for r in calibrate(world, "paper", N)}
    assert simulated["5"] == pytest.approx(power(simulation.PAIR_SD / 5**0.5, 4, 1.4, band, 0.0), abs=0.025)


def row(**rates: float) -> CalibrationRow:
    """A row of a level at its band's edge, whose rates are all within their promises except those given."""
    values = {"coverage": 0.95, "reproduced": 0.05, "not_reproduced": 0.02, "off_size": 0.02, **rates}
    rest = {"directional": 0.0, "inconclusive": 0.93, "exact": True, "experiments": 2000}
    return CalibrationRow(kind="level", truth="high edge", seeds="5", **{**rest, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "kept", "beyond"),
    [
        ("reproduced", 0.064, 0.07),
        ("not_reproduced", 0.035, 0.04),
        ("coverage", 0.936, 0.93),
        ("coverage", 0.963, 0.97),
    ],
)
def test_a_rate_is_too_much_where_chance_alone_is_improbable(name: str, kept: float, beyond: float) -> None:
    assert violations([row(**{name: kept})]) == []
    assert len(violations([row(**{name: beyond})])) == 1


def test_more_promises_leave_each_a_smaller_share_of_false_alarms() -> None:
    alone, among = [row(reproduced=0.067)], [row(reproduced=0.067), *([row()] * 500)]
    assert violations(alone) != []
    assert violations(among) == []


def test_what_may_never_happen_may_not_happen_once() -> None:
    few = replace(row(reproduced=1 / 2000), seeds="3")
    assert "reproduced in 0.1% of experiments, at most 0.0% promised" in violations([few])[0]


def broken(kind: str, truth: str, experiments: int = FEW) -> str:
    """What the checks say about one kind at one truth."""
    return "\n".join(violations(calibrate(WORLDS[kind], truth, experiments)))


Patch = pytest.MonkeyPatch


def test_ci80_in_place_of_ci90_is_noticed(monkeypatch: Patch) -> None:
    monkeypatch.setattr(intervals, "EQUIVALENCE", 0.80)
    assert "high edge, 5 seeds: reproduced in" in broken("level", "high edge", N)


def test_ci90_in_place_of_ci95_is_noticed(monkeypatch: Patch) -> None:
    monkeypatch.setattr(intervals, "DIRECTION", 0.90)
    said = broken("direction", "null", N)
    assert "5 seeds: directional in" in said
    assert "5 seeds: intervals cover the truth in" in said


def test_a_dropped_null_is_noticed(monkeypatch: Patch) -> None:
    def always(interval: Interval, claim: Claim) -> bool:
        return True

    monkeypatch.setattr(rules, "excludes_null", always)
    assert "null, 10 seeds: directional in 100.0% of experiments, at most 2.5% promised" in broken(
        "difference", "null"
    )


def test_imputed_censored_runs_are_noticed(monkeypatch: Patch) -> None:
    def imputing(metric: str, unit: str, slow: Sequence[Time], fast: Sequence[Time]) -> Effect:
        return paired_ratio(metric, unit, [t.point for t in slow], [t.point for t in fast])

    monkeypatch.setattr(simulation, "ratio_of_times", imputing)
    assert "half censored, paper, 10 seeds: intervals cover the truth in" in broken(
        "ratio, half censored", "paper"
    )


def test_a_bound_of_too_high_a_rank_is_noticed(monkeypatch: Patch) -> None:
    """The median of the pairs' lower ends as a bound: above the true median in a third of experiments."""
    monkeypatch.setattr("harness.effects.statistics.time_to_event.order_rank", lambda n, level: n // 2)
    assert "high edge, 10 seeds: off_size in" in broken("ratio, 1 in 9 censored", "high edge")


@pytest.mark.parametrize("gate", ["_capped", "ENOUGH"])
def test_a_skipped_gate_for_few_seeds_is_noticed(monkeypatch: Patch, gate: str) -> None:
    skipped: dict[str, object] = {"_capped": lambda verdict, case: verdict, "ENOUGH": 3}
    monkeypatch.setattr(rules, gate, skipped[gate])
    assert "paper, 3 seeds: reproduced in" in broken("level", "paper")


def test_looks_without_nominal_levels_are_noticed(monkeypatch: Patch) -> None:
    whole: Callable[[Effect, bool], tuple[Interval | None, Interval | None]] = rules.intervals
    monkeypatch.setattr(rules, "intervals", lambda effect, looks: whole(effect, False))
    assert "null, looks seeds: directional in" in broken("direction", "null")


def test_a_narrowed_rule_against_the_paper_is_noticed(monkeypatch: Patch) -> None:
    """A level that counts as not reproduced as soon as its mean lies above the band."""

    def hasty(effect: Effect, looks: bool) -> tuple[Interval | None, Interval | None]:
        mean = effect.estimate or 0.0
        return effect.ci90, Interval(mean, mean, 0.95)

    monkeypatch.setattr(rules, "intervals", hasty)
    assert "high edge, 5 seeds: not_reproduced in" in broken("level", "high edge")


def test_the_command_prints_the_table_and_its_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: Patch
) -> None:
    monkeypatch.setattr(simulation, "worlds", lambda: (WORLDS["level"],))
    assert simulation.main(["--experiments", "50"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("| kind | truth | seeds | coverage |")
    assert "every promise holds" in err
    assert simulation.main(["--experiments", "20", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["kind"] == "level"
    monkeypatch.setattr(rules, "ENOUGH", 3)
    assert simulation.main(["--experiments", "20"]) == 1
