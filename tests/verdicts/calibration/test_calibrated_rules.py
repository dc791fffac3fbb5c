"""Error rates of bounds, directions, counts and gates, simulated; each rule broken once, which is noticed."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.contract.effect import Interval
from harness.paper.catalogue import CLAIMS
from harness.paper.claims import Band, Claim
from harness.verdicts import rules, trained_enough
from harness.verdicts.calibration import gates as calibrated_gates
from harness.verdicts.calibration import rules as calibrated_rules
from harness.verdicts.calibration import simulation
from harness.verdicts.calibration.rules import Rate, rule_of, violations
from harness.verdicts.calibration.simulation import calibrate, worlds

WORLDS = {w.kind: w for w in calibrated_rules.worlds()}
QUESTIONS = calibrated_rules.questions()
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "calibration.md").read_text(encoding="utf-8")
N = 1500
Patch = pytest.MonkeyPatch


def rates(rule: str, experiments: int = N) -> list[Rate]:
    return [question.rate(experiments) for question in QUESTIONS if question.rule == rule]


def test_every_promise_holds() -> None:
    rows = [
        row for world in WORLDS.values() for truth in world.truths for row in calibrate(world, truth, 200)
    ]
    assert violations(rows, [question.rate(200) for question in QUESTIONS]) == []


def test_every_claim_is_judged_by_a_rule_that_is_tried_and_on_the_page() -> None:
    tried = {w.kind for w in worlds()} | set(WORLDS) | {question.rule for question in QUESTIONS}
    for about in CLAIMS:
        assert rule_of(about) in tried, about.id
        assert f"| {rule_of(about)} |" in PAGE, about.id


def test_the_page_shows_every_row_and_says_what_is_true_of_it() -> None:
    for kind, world in WORLDS.items():
        for truth in world.truths:
            assert len(re.findall(rf"^\| {re.escape(kind)} \| {truth} \|", PAGE, flags=re.MULTILINE)) == 4
    for q in QUESTIONS:
        found = re.search(
            rf"^\| {re.escape(q.rule)} \| {re.escape(q.truth)} \| {q.seeds} \| {q.said} \| ([\d.]+) ±",
            PAGE,
            flags=re.MULTILINE,
        )
        assert found, q
        if q.at_most is not None:
            error = math.sqrt(max(q.at_most * (1 - q.at_most), 1e-9) / 10_000)
            assert float(found[1]) / 100 <= q.at_most + 4 * error
    assert PAGE.count("every\npromise holds") + PAGE.count("every promise\nholds") == 2


def test_the_gate_for_a_gap_agrees_with_the_normal_distribution() -> None:
    found = {(r.truth, r.seeds): r.rate for r in rates("under-fitted, gap")}
    for seeds in (5, 10):
        wrong = stats.norm.sf(math.sqrt(seeds))  # a point is √n standard errors
        assert found["11 points", f"{seeds}"] == pytest.approx(wrong, abs=0.015)
        assert found["10 points", f"{seeds}"] == pytest.approx(0.5, abs=0.06)


def test_halves_that_differ_are_found_as_often_as_the_noncentral_t_says() -> None:
    found = {r.seeds: r.rate for r in rates("A/A") if r.truth == "half a point apart"}
    for seeds in (5, 10, 15):
        even, odd = (seeds + 1) // 2, seeds // 2
        shift = 0.5 / (simulation.LEVEL_SD * math.sqrt(1 / even + 1 / odd))
        edge = stats.t.ppf(1 - trained_enough.ALIKE / 2, seeds - 2)
        assert found[f"{seeds}"] == pytest.approx(stats.nct.sf(edge, seeds - 2, shift), abs=0.06)


def broken(kind: str, truth: str) -> str:
    return "\n".join(violations(calibrate(WORLDS[kind], truth, N), []))


def test_a_band_that_is_closed_by_its_estimate_is_noticed(monkeypatch: Patch) -> None:
    """A bound that is judged by the estimate instead of the lower end of CI₉₀."""

    def by_estimate(band: Band, interval: Interval) -> bool:
        return (interval.low + interval.high) / 2 >= band.low

    monkeypatch.setattr(Band, "contains", by_estimate)
    assert "low edge, 10 seeds: reproduced in" in broken("difference, band with one end", "low edge")


def test_a_level_with_a_direction_is_noticed(monkeypatch: Patch) -> None:
    capped = rules._capped

    def directional(verdict: rules.Verdict, case: rules.Case) -> rules.Verdict:
        found = capped(verdict, case)
        return found if found is verdict else case.say(rules.Outcome.DIRECTIONAL, "as before")

    monkeypatch.setattr(rules, "_capped", directional)
    four = [row for row in rates("level", 300) if row.truth == "paper"]
    assert "level, paper, 4 seeds: directional in" in "\n".join(violations([], four))
    three = calibrate({w.kind: w for w in worlds()}["level"], "paper", 300)
    assert "level, paper, 3 seeds: directional in" in "\n".join(violations(three, []))


def test_counts_judged_by_the_first_alone_are_noticed(monkeypatch: Patch) -> None:
    def first(case: rules.Case) -> rules.Verdict:
        inside, said = rules._place(case.claim.primary, case)
        return case.say(rules.Outcome.REPRODUCED if inside else rules.Outcome.NOT_REPRODUCED, said)

    monkeypatch.setattr(rules, "_exact", first)
    assert "counts, one outside, – seeds: reproduced in" in "\n".join(violations([], rates("counts", 300)))


def test_the_wrong_side_of_a_ratio_below_one_is_noticed(monkeypatch: Patch) -> None:
    def above(interval: Interval, about: Claim) -> bool:
        return interval.low > (about.null or 0.0)

    monkeypatch.setattr(rules, "excludes_null", above)
    assert "other side, 10 seeds: directional in" in broken("direction of a ratio, below one", "other side")


def test_a_band_that_counts_at_a_proxy_is_noticed(monkeypatch: Patch) -> None:
    """A proxy judged like the paper's scale: without an effect, it is often 'not reproduced'."""
    monkeypatch.setattr(rules.Case, "at_paper_scale", property(lambda case: True))
    assert "null, 10 seeds: not_reproduced in" in broken("direction, a difference elsewhere", "null")


def test_an_a_a_gate_at_a_larger_level_is_noticed(monkeypatch: Patch) -> None:
    monkeypatch.setattr(trained_enough, "ALIKE", 0.05)
    assert "A/A, alike, 10 seeds: stopped in" in "\n".join(violations([], rates("A/A")))


def test_a_gate_that_stops_nothing_is_noticed(monkeypatch: Patch) -> None:
    monkeypatch.setattr(trained_enough, "GAP", 0.0)
    monkeypatch.setattr(trained_enough, "FALL", 1.0)
    said = "\n".join(violations([], [*rates("under-fitted, gap", 300), *rates("under-fitted, loss", 100)]))
    assert "under-fitted, gap, 9 points, 5 seeds: passed in 100.0%" in said
    assert "under-fitted, loss, falls by 2%, 9 seeds: passed in 100.0%" in said


def test_the_command_prints_both_tables_and_its_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: Patch
) -> None:
    monkeypatch.setattr(calibrated_rules, "worlds", lambda: (WORLDS["direction of a ratio"],))
    monkeypatch.setattr(calibrated_rules, "questions", lambda: QUESTIONS[:3])
    assert calibrated_rules.main(["--experiments", "50"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("| kind | truth | seeds | coverage |")
    assert "| rule | truth | seeds | said | in % of experiments | promised |" in out
    assert "every promise holds" in err
    always = calibrated_gates.SimulatedGate("a rule", "any", "5", "stopped", 0.01, lambda stream: True)
    monkeypatch.setattr(calibrated_rules, "questions", lambda: [always])
    assert calibrated_rules.main(["--experiments", "50"]) == 1
    assert "a rule, any, 5 seeds: stopped in 100.0% of experiments, at most 1.0%" in capsys.readouterr().err


def test_what_is_shown_without_a_promise_breaks_none() -> None:
    assert violations([], [Rate("a rule", "any", "5", "stopped", 100, 1.0, None)]) == []


def test_a_ratio_is_estimated_on_logarithms() -> None:
    about = WORLDS["direction of a ratio"].claim
    (sample,) = calibrated_rules.ratios(2.0, np.random.default_rng(0), (1, 400))
    assert calibrated_rules.ratio(about, sample).estimate == pytest.approx(2.0, rel=0.03)
