"""What deciding Figure 1 takes, against sums that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.bench.workloads import verdict
from harness.contract.trial import Trial
from harness.records.record import Record
from harness.records.store import Store
from harness.testing.records import answer
from harness.training.settings import ToTarget
from reproductions.relu_speedup import REPRODUCTION
from tests.fakes.bench import asked, measured

PROTOCOL = REPRODUCTION.protocol("cifar10")
EPOCH = 50_000


def test_waves_on_workers() -> None:
    """Two workers of 5 images per second: 10 and 20 end after 2 and 4 s, 30 begins at 2; then 5 alone."""
    assert verdict.makespan([(10, 20, 30), (5,)], workers=2, rate=10) == pytest.approx(8 + 1)
    assert verdict.makespan([(10, 20, 30), (5,)], workers=1, rate=10) == pytest.approx(6.5)


def test_what_the_protocol_allows() -> None:
    """Seven rates for 2 epochs, four for 4 more, two for 94 more, on three seeds in two arms.

    Then two neighbours for 100, which may lie outside the grid, and ten seeds for 100.
    """
    amount = verdict.declared(PROTOCOL)
    assert [len(wave) for wave in amount.waves] == [42, 24, 12, 12, 20]
    assert [wave[0] / EPOCH for wave in amount.waves] == [2, 4, 94, 100, 100]
    assert amount.least == amount.most == (2 * 7 * 3 * 100 + 2 * 10 * 100) * EPOCH


def record(trial: Trial[ToTarget]) -> Record:
    """Reached after 10 epochs at a rate of 0.004, after 20 at others, if the budget is as long."""
    settings = trial.settings
    needed = 10 if settings.rate == 0.004 else 20
    reached, epochs = needed <= settings.max_epochs, min(needed, settings.max_epochs)
    found = answer(trial)
    metrics = {
        **found.metrics,
        "reached": float(reached),
        "epochs_high": float(epochs) if reached else None,
        # what is given up early is what is farthest from 0.004
        "final_running_error": abs(settings.rate - 0.004),
    }
    return replace(found, metrics=metrics, cost={**found.cost, "images": float(epochs * EPOCH)})


def stored(folder: Path) -> Store:
    """A store with every record of the plan."""
    store, known = Store(folder), dict[str, Record]()
    while True:
        plan = REPRODUCTION.plan(PROTOCOL, PROTOCOL.seeds, lambda trial: known.get(repr(trial)))
        missing = [p.trial for p in plan.trials if repr(p.trial) not in known]
        if not missing:
            return store
        for trial in missing:
            known[repr(trial)] = record(trial)
            store.append(known[repr(trial)])


def test_what_records_say(tmp_path: Path) -> None:
    """Ours resumes; a plain grid retrains each of seven rates, those that ours gave up to 100 at most."""
    stored(tmp_path)
    amount = verdict.amount_of_work(tmp_path)
    epochs = [[images / EPOCH for images in wave] for wave in amount.waves]
    assert epochs[:2] == [[2] * 42, [4] * 24]
    assert sorted(epochs[2]) == [4] * 6 + [14] * 6 + [18] * 6  # the winner, and both its neighbours
    assert epochs[3] == [10] * 20
    grid = 10 + 20 + 20 + 2 * 6 + 2 * 2  # three to the end, given up at 6, given up at 2
    assert amount.least == (2 * 3 * grid + 20 * 10) * EPOCH
    assert amount.most == (2 * 3 * (10 + 20 + 20 + 4 * 100) + 20 * 10) * EPOCH
    assert amount.basis == f"by the records in {tmp_path.name}"


def test_the_latest_published_store_comes_first(tmp_path: Path) -> None:
    names = ("published/2030-01-01-old", "2030-01-03-new", "2030-01-02-between")
    for name in (*(f"{name}/records" for name in names), "2030-01-04-page-alone"):
        (tmp_path / name).mkdir(parents=True)
    found = [str(store.relative_to(tmp_path)) for store in verdict.published(tmp_path)]
    assert found == ["2030-01-03-new", "2030-01-02-between", "published/2030-01-01-old"]


def test_projections_are_named_so_and_follow_from_the_rates(tmp_path: Path) -> None:
    stored(tmp_path / "results")
    found = measured("cifar-trial", this_harness=1000.0, slow=250.0, fast=500.0)
    ours, least, most = verdict.project(asked(tmp_path), found)
    assert "by the records in results" in ours.basis
    assert least.seconds < most.seconds
    assert least.seconds == pytest.approx(verdict.amount_of_work(tmp_path / "results").least / 500)
    assert "fast at 500 images/s" in least.basis
