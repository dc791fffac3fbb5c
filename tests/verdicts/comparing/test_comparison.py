"""Two stores side by side: differences, changed verdicts, and the reason if there is no difference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

import reproductions
from harness.contract.trial import Precision
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.store import Store
from harness.reporting import sides
from harness.verdicts.comparing import comparison, effect_rows
from harness.verdicts.comparing.comparison import Comparison, pairs
from harness.verdicts.comparing.effect_rows import EffectRow
from harness.verdicts.verdict import Fails, Outcome
from tests.fakes.evidence.experiments import (
    HERE,
    Value,
    decisive,
    filled,
    noisy,
    record_for,
    reproduction,
    trial,
    vague,
)

BF16 = replace(HERE, precision=Precision.BF16)


@pytest.fixture(autouse=True)
def _only_the_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproductions, "every", lambda: (reproduction(),))


def rows(store: Store) -> tuple[EffectRow, ...]:
    return sides.of_store(Store(store.root)).rows


def compared(first: Store, second: Store) -> Comparison:
    """The stores as they are on disk, with as many seeds as they have."""
    return sides.side_by_side(*(sides.of_store(Store(store.root)) for store in (first, second))).comparison


def conditioned(root: Path, conditions: Conditions, value: Value = noisy, seeds: int = 5) -> Store:
    """The made-up experiment under other conditions."""
    store = Store(root)
    for arm in ("tanh", "relu"):
        for seed in range(seeds):
            store.append(record_for(trial(arm, seed), conditions, epochs=value(arm, seed)))
    return store


def many(root: Path, seeds: int, value: Value) -> Store:
    """The made-up experiment with more seeds than its protocol declares."""
    store = filled(root, seeds, value)
    store.ask("relu-speedup", "cifar10", HERE, seeds)
    return store


def test_the_difference_of_two_stores_is_welch_s(tmp_path: Path) -> None:
    found = compared(filled(tmp_path / "a", 5), many(tmp_path / "b", 10, noisy))
    (one,) = found.differences
    logs = [
        np.log([value("tanh", seed) / value("relu", seed) for seed in range(n)])
        for value, n in ((noisy, 10), (decisive, 5))
    ]
    told = scipy.stats.ttest_ind(*logs, equal_var=False)
    assert one.contrast is not None
    assert one.contrast.p_student == pytest.approx(told.pvalue)
    assert one.contrast.estimate == pytest.approx(np.exp(logs[0].mean() - logs[1].mean()))
    assert one.adjusted_p == one.contrast.p_student  # a family of one
    assert found.changes == found.unmatched == ()
    assert found.failing(Fails.CHANGED) == []


def test_p_is_adjusted_over_the_claims_of_one_paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = compared(filled(tmp_path / "a", 5), filled(tmp_path / "b", 5, noisy)).differences
    assert one.contrast is not None
    lrn, depth = (replace(one, first=replace(one.first, claim=name)) for name in ("lrn", "depth"))
    monkeypatch.setattr(comparison.papers, "another", lambda about: "Doe 1999" * (about.id == "depth"))
    p = one.contrast.p_student
    assert p is not None
    found = [each.adjusted_p for each in comparison._adjusted([one, lrn, depth])]
    assert found == pytest.approx([min(1.0, 2 * p), min(1.0, 2 * p), p])


def test_the_same_runs_are_no_second_sample(tmp_path: Path) -> None:
    (whole,) = compared(filled(tmp_path / "a", 5), filled(tmp_path / "b", 5)).differences
    assert (whole.contrast, whole.reason) == (None, "the same 10 runs")
    (part,) = compared(filled(tmp_path / "c", 5), many(tmp_path / "d", 7, decisive)).differences
    assert (part.contrast, part.reason) == (None, "10 of 14 runs are the same in both")


def test_a_verdict_that_says_less_is_worse(tmp_path: Path) -> None:
    good, poor = filled(tmp_path / "a", 5, noisy), filled(tmp_path / "b", 5, vague)
    (change,) = compared(good, poor).changes
    assert change.second is not None
    assert (change.first.outcome, change.second.outcome) == (Outcome.REPRODUCED, Outcome.INCONCLUSIVE)
    assert [len(compared(good, poor).failing(rule)) for rule in Fails] == [1, 1]
    assert [len(compared(poor, good).failing(rule)) for rule in Fails] == [0, 1]


def test_a_verdict_that_is_gone_is_worse(tmp_path: Path) -> None:
    found = compared(filled(tmp_path / "a", 5), Store(tmp_path / "b"))
    assert [one.reason for one in found.unmatched] == ["no record"]
    assert [(change.second, change.worse) for change in found.changes] == [(None, True)]


def test_a_verdict_that_is_gone_in_one_of_two_precisions_is_worse(tmp_path: Path) -> None:
    both, one = filled(tmp_path / "a", 5), filled(tmp_path / "b", 5)
    for record in conditioned(tmp_path / "c", BF16).records:
        both.append(record)
    found = compared(both, one)
    assert [(change.first.precision, change.second) for change in found.changes] == [(Precision.BF16, None)]
    assert [row.precision for row in found.failing(Fails.WORSE)] == [Precision.BF16]
    assert compared(one, both).changes == ()


def test_a_verdict_that_is_worse_in_both_of_two_precisions_is_so_in_each(tmp_path: Path) -> None:
    good, poor = filled(tmp_path / "a", 5, noisy), filled(tmp_path / "b", 5, vague)
    for record in conditioned(tmp_path / "c", BF16, noisy).records:
        good.append(record)
    for record in conditioned(tmp_path / "d", BF16, vague).records:
        poor.append(record)
    found = compared(good, poor)
    assert {row.precision for row in found.failing(Fails.WORSE)} == set(Precision)


def test_an_effect_that_moved_is_a_change_and_none_for_the_worse(tmp_path: Path) -> None:
    def five(arm: str, seed: int) -> float:
        return noisy(arm, seed) * (1.0 if arm == "relu" else 5 / 6)

    found = compared(filled(tmp_path / "a", 5), filled(tmp_path / "b", 5, five))
    assert found.changes == ()
    assert [len(found.failing(rule)) for rule in Fails] == [0, 1]


def test_other_conditions_are_compared_and_said(tmp_path: Path) -> None:
    (one,) = compared(filled(tmp_path / "a", 5), conditioned(tmp_path / "b", BF16)).differences
    assert one.contrast is not None
    assert one.differs == ("precision",)


def test_like_is_compared_with_like(tmp_path: Path) -> None:
    """Of two precisions, each is compared with itself, in whatever order they come."""
    first, second = filled(tmp_path / "a", 5), conditioned(tmp_path / "b", BF16)
    for record in conditioned(tmp_path / "c", BF16, decisive).records:
        first.append(record)
    for record in conditioned(tmp_path / "d", HERE).records:
        second.append(record)
    found = compared(first, second)
    assert [one.differs for one in found.differences] == [(), ()]


def test_precisions_of_one_store(tmp_path: Path) -> None:
    store = filled(tmp_path / "a", 5)
    for record in conditioned(tmp_path / "b", BF16).records:
        store.append(record)
    both = sides.of_store(Store(store.root))
    found = sides.side_by_side(*(both.in_precision(precision) for precision in Precision)).comparison
    assert [one.differs for one in found.differences] == [("precision",)]
    assert found.unmatched == ()


def test_other_data_is_another_effect(tmp_path: Path) -> None:
    first = rows(filled(tmp_path / "a", 5))
    data = DataIdentity("cifar10", Form.STAND_IN, "gratings")
    second = [replace(row, data=str(data), runs="") for row in first]
    (one,) = sides.compare(first, second, lambda row, of_first: "").differences
    assert (one.contrast, one.reason) == (None, "other data: none, cifar10 (stand-in, gratings)")


def test_records_of_other_code_are_named_with_their_commit(tmp_path: Path) -> None:
    old = Store(tmp_path / "b")
    filled(tmp_path / "c", 5)
    for number, record in enumerate(Store(tmp_path / "c").records):
        made = {"commit": "0123abc", "dirty": False}
        old.append(replace(record, key=f"{number:024}", code="of old", environment=made))
    assert sides.of_store(Store(old.root)).stale == {}  # nobody asked for it: they may be another claim's
    old.ask("relu-speedup", "cifar10", HERE, 5)
    (one,) = compared(filled(tmp_path / "a", 5), old).unmatched
    assert one.reason.startswith(
        "other code version: its 10 records were made by 0123abc; 'export --to json'"
    )


def test_what_is_compared_is_not_said_to_be_of_other_code(tmp_path: Path) -> None:
    both = filled(tmp_path / "a", 5)
    both.ask("relu-speedup", "cifar10", HERE, 5)
    for number, record in enumerate(Store(both.root).records):
        both.append(replace(record, key=f"{number:024}", code="of old"))
    side = sides.of_store(Store(both.root))
    assert side.rows
    assert side.stale == {}


def test_another_protocol_is_named(tmp_path: Path) -> None:
    first = rows(filled(tmp_path / "a", 5))
    other = sides.EvidenceSide("b", tuple(replace(row, protocol="cifar10-short") for row in first))
    assert other.why_not(first[0]) == "other protocol: cifar10-short"


def test_censored_runs_have_no_difference(tmp_path: Path) -> None:
    first = rows(filled(tmp_path / "a", 5))
    second = [replace(row, estimate=None, log=False, censored=2, runs="") for row in first]
    (one,) = sides.compare(first, second, lambda row, of_first: "").differences
    assert one.reason == "B: 2 censored runs"


def test_counts_are_compared_exactly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    first = [row for row in rows(Store(tmp_path)) if row.claim == "architecture"]
    second = [replace(row, estimate=(row.estimate or 0) + (row is first[1])) for row in first]
    assert len(first) > 3
    found = sides.compare(first, second, lambda row, of_first: "")
    assert [one.moved for one in found.differences] == [row is first[1] for row in first]
    assert found.failing(Fails.CHANGED) == [first[1]]


def test_a_repeated_trial_is_one_measurement_whatever_the_clock(tmp_path: Path) -> None:
    made = [
        record_for(trial("relu", 1), HERE, epochs=epochs, seconds_high=seconds)
        for epochs, seconds in ((5.0, 1.0), (5.0, 2.0), (6.0, 1.0))
    ]
    first, again, other = map(effect_rows.measurement, made)
    assert first == again != other
    clocks = [record_for(trial("relu", 1), HERE, seconds_high=seconds) for seconds in (1.0, 2.0)]
    assert effect_rows.measurement(clocks[0]) != effect_rows.measurement(clocks[1])


def test_pairs_take_the_nearest_once() -> None:
    found = pairs([1.0, 5.0], [4.0, 1.5, 9.0], lambda x: "", lambda a, b: (int(10 * abs(a - b)),))
    assert sorted(found) == [(1.0, 1.5), (5.0, 4.0)]


def test_rows_come_back_from_json(tmp_path: Path) -> None:
    import msgspec

    found = list(rows(filled(tmp_path, 5)))
    assert effect_rows.read(msgspec.json.encode(found)) == found
