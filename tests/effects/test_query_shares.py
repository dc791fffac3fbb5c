"""Shares of neighbours: the queries are a sample too, against an analysis of variance by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.trial import Status, Trial
from harness.effects.query_shares import difference, share
from harness.effects.statistics import intervals
from harness.plans.experiment import Evidence, Plan, Planned, Role, Run
from harness.plans.protocols import CONVERGED
from harness.records.image_bits import packed
from harness.records.record import Record, decode, encode
from harness.records.schema import Measured
from tests.fakes.evidence.trials import STAND_IN

Flags = np.ndarray  # (runs, queries, nearest)
M = Measured


def evidence(kept: bool = True, **flags: Flags) -> Evidence:
    """Runs with these neighbours of each query's class, read back from records."""
    runs = []
    for seed in range(len(next(iter(flags.values())))):
        own = {name: of[seed] for name, of in flags.items()}
        _, queries, nearest = next(iter(flags.values())).shape
        bits = {name: packed(one.ravel()) for name, one in own.items()}
        details = {"same_class": {"queries": queries, "nearest": nearest, **bits}} if kept else {}
        metrics = {name: 100 * float(one.mean()) for name, one in own.items()}
        trial = {"settings": {}, "seed": seed, "precision": "fp32"}
        record = Record(f"{seed}", "", trial, STAND_IN, "", Status.OK, metrics, details=details)
        planned = Planned(Trial(None, seed), "paper", Role.FINAL)
        runs.append(Run(planned, decode(encode(record).encode())))
    return Evidence(CONVERGED, Plan(tuple(run.planned for run in runs)), tuple(runs))


def drawn(seed: int, runs: int, queries: int, nearest: int, share: float) -> Flags:
    return np.random.default_rng(seed).random((runs, queries, nearest)) < share


@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(2, 9), st.integers(1, 6))
def test_a_difference_s_error_is_that_of_the_two_way_layout(
    seed: int, runs: int, queries: int, nearest: int
) -> None:
    features, pixels = (drawn(seed + i, runs, queries, nearest, p) for i, p in enumerate((0.6, 0.3)))
    effect = difference(
        evidence(features=features, pixels=pixels), "paper", "same class", M.FEATURES, M.PIXELS
    )
    cells = 100 * (features.mean(2) - pixels.mean(2))
    assert effect.estimate == pytest.approx(cells.mean())
    rows, columns = cells.mean(1), cells.mean(0)
    rest = cells - rows[:, None] - columns[None, :] + cells.mean()
    of_runs, of_queries = rows.var(ddof=1) / runs, columns.var(ddof=1) / queries
    both = (rest**2).sum() / ((runs - 1) * (queries - 1)) / (runs * queries)
    if effect.standard_error is not None:
        expected = max(of_runs + of_queries - both, of_runs, of_queries)
        assert effect.standard_error**2 == pytest.approx(expected, abs=1e-9)
        assert f"over seeds and {queries} queries" in effect.note


def test_without_the_bits_it_is_over_seeds_alone() -> None:
    flags = drawn(1, 3, 8, 6, 0.5)
    effect = share(evidence(kept=False, features=flags), "paper", "x", M.FEATURES)
    assert replace(effect, note="") == intervals.level("x", "%", [100 * float(one.mean()) for one in flags])
    assert "over seeds alone, as 3 of 3 runs have no bits of their queries" in effect.note


def test_a_run_that_lacks_one_of_the_shares_is_left_out_of_both() -> None:
    whole = evidence(features=drawn(1, 3, 8, 6, 0.7), pixels=drawn(2, 3, 8, 6, 0.3))
    first, second, third = whole.runs
    lacking = replace(second, record=replace(second.record, metrics={"features": 99.0}))
    found = difference(replace(whole, runs=(first, lacking, third)), "paper", "x", M.FEATURES, M.PIXELS)
    expected = difference(replace(whole, runs=(first, third)), "paper", "x", M.FEATURES, M.PIXELS)
    assert found == expected
    assert found.n == 2
