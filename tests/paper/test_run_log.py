"""The run log: spreads and standard errors by hand and by scipy, and which claims they are for."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from harness.paper import others, run_log
from harness.paper.catalogue import CLAIMS, claim
from harness.paper.claims import Kind
from harness.paper.run_log import RUNS, SPREADS, CropCount, Errors, MeasuredOn, errors, logged


def interval(values: tuple[float, ...]) -> list[float]:
    """The 95 % interval of a standard deviation, from the χ² of its square."""
    squares = np.var(values, ddof=1) * (len(values) - 1)
    return [math.sqrt(squares / stats.chi2.ppf(p, len(values) - 1)) for p in (0.975, 0.025)]


def test_the_spreads_are_those_of_their_runs() -> None:
    repeats, nine = SPREADS
    assert repeats.values == (42.341, 42.294, 42.501, 42.57)
    assert len(nine.values) == 9
    assert (repeats.sd, nine.sd) == (0.13, 0.27)
    assert interval(repeats.values) == pytest.approx([0.07, 0.49], abs=0.005)
    assert interval(nine.values) == pytest.approx([0.18, 0.52], abs=0.005)
    assert [s.standard_error for s in SPREADS] == pytest.approx([0.18, 0.38], abs=0.005)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("two-gpu-error", 4.4, 9.2), ("lrn", 3.6, 7.5), ("overlapping-pooling", 1.0, 2.1)],
)
def test_the_papers_differences_in_standard_errors(name: str, low: float, high: float) -> None:
    assert run_log.distances(claim(name)) == pytest.approx((low, high), abs=0.05)


def test_only_differences_of_single_runs_on_imagenet_have_a_standard_error() -> None:
    having = [c for c in CLAIMS if run_log.distances(c)]
    assert [c.id for c in having] == [
        "lrn", "overlapping-pooling", "two-gpu-error", "colour-augmentation", "depth",
    ]  # fmt: skip
    for one in having:
        assert (one.kind, one.primary.name, one.paper_scale) == (Kind.DIFFERENCE, "top-1 error", "imagenet")
        assert one.primary.unit == "points"
    assert run_log.original(claim("lrn")) == 1.37
    assert run_log.original(claim("depth")) == 2.0


def test_every_run_stands_once_and_bears_on_claims_that_exist() -> None:
    assert max(Counter((r.name, r.views) for r in RUNS).values()) == 1
    assert {name for r in RUNS for name in r.bears_on} <= {c.id for c in CLAIMS}
    assert set(run_log.NOTED) | set(others.CAFFENET_BENCHMARK) <= set(run_log.FROM_SINGLE_RUNS)


def test_runs_that_bear_on_a_claim_are_told_with_what_differs() -> None:
    said = run_log.bearing_on("lrn")
    assert "148 (none of the three norms): 42.034 / 19.362 %" in said
    assert (
        "132 (the norms in another place, or the columns crossing at conv4 in place of conv3): worse" in said
    )
    assert "110 (run 101 without norms): about 1 point worse than 101, ILSVRC-2010" in said
    assert "39.0247 / 18.2953 %, ILSVRC-2010 test, centre view" in run_log.bearing_on("ten-view")
    assert run_log.bearing_on("bias-init") == ""


def test_errors_are_percents_and_a_run_without_figures_says_so_in_words() -> None:
    for one in RUNS:
        if one.top1 is not None and one.top5 is not None:
            assert 36 < one.top1 < 43
            assert 16 < one.top5 < 20
        assert one.top1 is not None or one.noted or one.name == "101"
    with pytest.raises(ValueError, match="not have both errors of run 131"):
        errors("131")


def test_runs_are_found_by_name_and_views() -> None:
    assert errors("145-2010", CropCount.CENTRE) == Errors(39.0247, 18.2953)
    assert logged("145-half").split is MeasuredOn.ILSVRC_2010
    assert str(errors("145")) == "40.6640 / 18.2100"
    assert errors("148") - errors("145") == Errors(1.37, 1.152)
    with pytest.raises(KeyError):
        logged("147", CropCount.CENTRE)


def test_others_say_the_same_in_words_and_in_points() -> None:
    assert {name: a.difference for name, a in others.CAFFENET_BENCHMARK.items()} == {
        "lrn": -0.1,
        "overlapping-pooling": -1.4,
    }
    assert others.caffenet("lrn", "with", "without") == (
        "caffenet-benchmark: accuracy .470 with, .471 without"
    )
