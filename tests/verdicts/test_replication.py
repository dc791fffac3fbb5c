"""Replication measures against published examples of R packages, and slower ways to the same number.

ReplicationSuccess 1.3.1: its reference pages (crsuzh.github.io/ReplicationSuccess/reference) print results of
examples; further numbers are those of its own tests, in tests/testthat. BayesRep 0.42: its README, and Table
1 of Pawel & Held (2022) as its tests have it. metafor: the example of Kacker (2004) with method "FE", as
statsmodels' tests keep it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize
from scipy import stats as sp

from harness.paper import run_log
from harness.paper.catalogue import claim
from harness.records.conditions import Form
from harness.records.store import Store
from harness.verdicts import replication as measures
from harness.verdicts.assess import Assessments
from harness.verdicts.assessment import Assessment
from harness.verdicts.replication import (
    Heterogeneity,
    Replication,
    Study,
    bayes_factor,
    heterogeneity,
    prediction_interval,
    replication,
    sceptical_p,
    sceptical_z,
)
from harness.verdicts.verdict import Outcome
from tests.fakes.evidence.replication import experiment, records, stored

Z = st.floats(0.05, 12)
RATIO = st.floats(0.02, 50)
SIX = (1.2, 1.5, 1.1, 1.4, 1.3, 1.35)


def z_of(p: float) -> float:
    """The package's p2z: the z of a two-sided p."""
    return float(sp.norm.isf(p / 2))


def golden(zo: float, zr: float, c: float) -> float:
    """The recalibrated p of Micheloud, Balabdaoui & Held (2023): the golden ratio times z²."""
    return float(sp.norm.sf(sceptical_z(zo, zr, c) * math.sqrt((1 + math.sqrt(5)) / 2)))


def test_the_sceptical_p_is_that_of_the_packages_reference_page() -> None:
    """Page pSceptical: three examples that do not use the nominal p are recalibrated by hand."""
    assert sceptical_p(z_of(0.01), z_of(0.02), 2) == pytest.approx(0.05790852, abs=1e-8)
    assert golden(z_of(0.01), z_of(0.02), 2) == pytest.approx(0.02273138, abs=1e-8)
    assert golden(z_of(0.02), z_of(0.01), 0.5) == pytest.approx(0.008786301, abs=1e-9)
    assert 2 * golden(z_of(0.01), z_of(0.01), 2) == pytest.approx(0.03496702, abs=1e-8)
    assert sceptical_z(2, 3, 2) == pytest.approx(1.531634, abs=1e-6)
    assert sceptical_z(3, 2, 2) == pytest.approx(1.531634, abs=1e-6)


PACKAGE_TESTS = (
    (-4, -4, 0.000149544079762546), (4, 4, 0.000149544079762546), (-2, -4, 0.0236343314115514),
    (2, 2, 0.0352998069509419), (-2, 2, 0.964700193049058), (4, -4, 0.999850455920237), (4, 0, 0.5),
)  # fmt: skip


@pytest.mark.parametrize(("zo", "zr", "p"), PACKAGE_TESTS)
def test_the_sceptical_p_is_that_of_the_packages_tests(zo: float, zr: float, p: float) -> None:
    """testthat/test-pSceptical.R, type "nominal", one-sided, c = 0.05."""
    assert sceptical_p(zo, zr, 0.05) == pytest.approx(p, rel=1e-9)


def test_the_sceptical_p_of_two_studies_of_one_size() -> None:
    """testthat/test-pSceptical.R: two-sided .083, and one-sided .05 of two that reach one-sided .01."""
    assert 2 * sceptical_p(math.sqrt(12.19), math.sqrt(3.99), 1) == pytest.approx(0.083, abs=5e-4)
    assert sceptical_p(2.33, 2.33, 1) == pytest.approx(0.05, abs=5e-4)


@given(Z, Z)
def test_with_equal_variances_z_squared_is_half_the_harmonic_mean(zo: float, zr: float) -> None:
    assert sceptical_z(zo, zr, 1) ** 2 == pytest.approx(1 / (zo**-2 + zr**-2))


@given(Z, Z, RATIO)
def test_the_sceptical_z_is_where_a_sceptic_is_just_convinced(zo: float, zr: float, c: float) -> None:
    """Held's definition: the prior that makes the original just doubtful, and Box's test under it."""

    def gap(z2: float) -> float:
        prior = 1 / (zo**2 / z2 - 1)  # the sceptic's variance, over the original's
        return zr**2 / (c * prior + 1) - z2

    top = min(zo, zr) ** 2
    found = optimize.brentq(gap, top * 1e-9, top * (1 - 1e-12))
    assert sceptical_z(zo, zr, c) ** 2 == pytest.approx(found, rel=1e-6)


@given(Z, Z, RATIO)
def test_the_sceptical_p_is_never_below_either_studys_own(zo: float, zr: float, c: float) -> None:
    both = max(sp.norm.sf(zo), sp.norm.sf(zr))
    assert sceptical_p(zo, zr, c) >= both * (1 - 1e-9)
    assert sceptical_p(zo, -zr, c) == pytest.approx(1 - sceptical_p(zo, zr, c))


@pytest.mark.parametrize(
    ("original", "sr", "low", "high"),
    [
        (-2.0, 0.5, -4.19130635144145, 0.191306351441454),
        (0.0, 0.5, -2.19130635144145, 2.19130635144145),
        (2.0, 2.0, -2.38261270288291, 6.38261270288291),
    ],
)
def test_prediction_intervals_are_the_packages(original: float, sr: float, low: float, high: float) -> None:
    """testthat/test-predictionInterval.R: designPrior "predictive", tau 0, seo 1."""
    found = prediction_interval(original, 1.0, sr)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)


# Pawel & Held (2022), Table 1, to all digits from the tests of BayesRep: original and its standard error,
# replication and its own, and the replication Bayes factor the other way up. Studies: Hauser 2014, Derex
# 2013, Kovacs 2010, Nishi 2015, Rand 2012, Sparrow 2011, Ramirez & Beilock 2011.
TABLE_1 = (
    (1.14417264341251, 0.164398987305357, 1.19476271568933, 0.229415733870562, 0.00000161275109902623),
    (0.582737811761101, 0.144337567297406, 0.37746393971232, 0.127000127000191, 0.0323155569085302),
    (0.485326762453132, 0.218217890235992, 0.671862945083057, 0.104257207028537, 0.00000000299745740619506),
    (0.203339606989006, 0.0712470499879096, 0.116566798991139, 0.045786854649563, 0.122358606947869),
    (0.141926757107812, 0.054232614454664, 0.025792251826568, 0.021652326748721, 9.58539878281878),
    (0.385698718807712, 0.123091490979333, 0.0496313025904017, 0.0657951694959769, 28.9728262321521),
    (1.07988209588739, 0.242535625036333, -0.0985013285629837, 0.114707866935281, 24995.5941001993),
)


@pytest.mark.parametrize(("to", "so", "tr", "sr", "inverse"), TABLE_1)
def test_replication_bayes_factors_of_the_social_sciences_project(
    to: float, so: float, tr: float, sr: float, inverse: float
) -> None:
    assert 1 / bayes_factor(to, so, tr, sr) == pytest.approx(inverse, rel=1e-9)


def test_the_bayes_factor_of_the_packages_readme() -> None:
    """README of BayesRep: 1/521 for .2 ± .05 and .15 ± .04, the other way up."""
    assert bayes_factor(0.2, 0.05, 0.15, 0.04) == pytest.approx(521, abs=0.5)


@given(st.floats(-3, 3), st.floats(0.1, 2), st.floats(-3, 3), st.floats(0.1, 2))
def test_the_bayes_factor_is_an_integral_over_the_originals_posterior(
    to: float, so: float, tr: float, sr: float
) -> None:
    def integrand(theta: float) -> float:
        return float(sp.norm.pdf(theta, to, so) * sp.norm.pdf(tr, theta, sr))

    centre = (to / so**2 + tr / sr**2) / (so**-2 + sr**-2)
    reach = 9 * (so**-2 + sr**-2) ** -0.5
    marginal, _ = integrate.quad(integrand, centre - reach, centre + reach)
    assert bayes_factor(to, so, tr, sr) == pytest.approx(marginal / sp.norm.pdf(tr, 0, sr), rel=1e-6)


def test_a_bayes_factor_beyond_a_double_is_infinite() -> None:
    assert bayes_factor(1.7, 0.18, 1.7, 0.01) == math.inf


@pytest.mark.parametrize("spread", run_log.SPREADS, ids=("0.13", "0.27"))
def test_the_small_telescope_finds_its_effect_once_in_three_times(spread: run_log.RepeatedRuns) -> None:
    se = spread.standard_error
    shift = measures.barely_detectable(se) / se
    power = sp.norm.sf(sp.norm.isf(0.025) - shift) + sp.norm.cdf(-sp.norm.isf(0.025) - shift)
    assert power == pytest.approx(1 / 3, abs=5e-4)
    assert shift == pytest.approx(1.53, abs=0.005)


def test_the_small_telescope_of_twenty_a_cell_is_half_a_standard_deviation() -> None:
    """Two cells of 20: a mean difference has a standard error of √(2 ÷ 20), and d33 is near .5 by t."""
    critical, shift = sp.t.isf(0.025, 38), math.sqrt(10)
    exact = optimize.brentq(lambda d: sp.nct.sf(critical, 38, d * shift) - 1 / 3, 0.1, 2)
    assert measures.barely_detectable(1 / shift) == pytest.approx(exact, abs=0.015)


KACKER = (
    (61.0, 0.2025), (61.4, 1.21), (62.21, 0.09), (62.3, 0.2025), (62.34, 0.3844), (62.6, 0.5625),
    (62.7, 0.0676), (62.84, 0.0225), (65.9, 1.8225),
)  # fmt: skip


def test_q_and_i2_are_metafors() -> None:
    """rma(y, v, method = "FE"): QE, its p, and I²."""
    found = heterogeneity([Study("", y, math.sqrt(v)) for y, v in KACKER])
    assert found.df == 8
    assert (found.q, found.p, 100 * found.i2) == pytest.approx(
        (24.801897741835, 0.00167935146372742, 67.744403741711), rel=1e-9
    )


def test_q_of_two_studies_is_the_packages() -> None:
    """Page Qtest of ReplicationSuccess."""
    found = heterogeneity([Study("", 2, 1), Study("", 0.5, 0.5)])
    assert found.p == pytest.approx(0.1797125, abs=1e-7)
    assert (found.df, found.i2) == (1, pytest.approx(1 - 1 / 1.8))


@given(st.floats(-3, 3), st.floats(0.1, 2), st.floats(-3, 3), st.floats(0.1, 2))
def test_q_of_two_rejects_where_the_prediction_interval_does_not_hold(
    to: float, so: float, tr: float, sr: float
) -> None:
    interval = prediction_interval(to, so, sr)
    p = heterogeneity([Study("", to, so), Study("", tr, sr)]).p
    assert (interval.low <= tr <= interval.high) == (p >= 0.05)


def test_studies_that_agree_have_no_heterogeneity() -> None:
    assert heterogeneity([Study("", 1.0, 0.2)] * 3) == Heterogeneity(0.0, 2, 1.0, 0.0)


def assessed(
    store: Store, name: str, seeds: int, protocol: str = "imagenet", form: Form = Form.PACK
) -> Assessment:
    return Assessments(store).of(experiment(name, seeds, protocol, form))


def compared(root: Path, name: str, differences: Sequence[float]) -> Replication:
    """The comparison that results from these differences by seed at the paper's scale."""
    found = replication(assessed(stored(root, name, differences), name, len(differences)).case(claim(name)))
    assert found
    return found


def test_the_comparison_takes_both_spreads_and_our_own_standard_error(tmp_path: Path) -> None:
    found = compared(tmp_path, "lrn", SIX)
    assert (found.original, found.ours, found.n) == (1.37, pytest.approx(sum(SIX) / 6), 6)
    assert found.se == pytest.approx(sp.sem(SIX))
    assert [c.sd for c in found.comparisons] == [0.13, 0.27]
    assert all(c.as_predicted and not c.too_small for c in found.comparisons)
    assert all(c.bayes_factor > 1000 and c.sceptical_p < 0.01 for c in found.comparisons)


def test_less_than_a_small_telescope_finds_is_too_small(tmp_path: Path) -> None:
    found = compared(tmp_path, "overlapping-pooling", (0.0, 0.05, -0.05, 0.02, -0.02))
    assert all(c.too_small and c.bayes_factor < 1 for c in found.comparisons)
    assert [c.as_predicted for c in found.comparisons] == [False, True]


@pytest.mark.parametrize(
    ("name", "further"),
    [
        ("lrn", ["the authors' run log, 110 against 101", "caffenet-benchmark, 128 pixels"]),
        ("overlapping-pooling", ["caffenet-benchmark, 128 pixels"]),
        ("two-gpu-error", []),
        ("colour-augmentation", []),
        ("depth", []),
    ],
)
def test_the_runs_behind_the_papers_figure_are_counted_once(
    tmp_path: Path, name: str, further: list[str]
) -> None:
    for one in compared(tmp_path, name, (1.2, 1.5, 1.1)).comparisons:
        assert [s.name for s in one.studies] == ["original", *further, "ours"]
        assert {s.se for s in one.studies[:-1]} == {one.original_se}
        assert one.heterogeneity == heterogeneity(one.studies)


def test_no_comparison_is_made_before_every_gate_has_passed(tmp_path: Path) -> None:
    lrn = claim("lrn")
    begun, form = Store(tmp_path / "begun"), Form.STAND_IN
    for record in records(experiment("lrn", 6), SIX)[:-1]:
        begun.append(record)
    proxy = assessed(
        stored(tmp_path / "proxy", "lrn", SIX, "cifar10-converged"), "lrn", 6, "cifar10-converged"
    )
    stopped = [
        proxy,
        assessed(stored(tmp_path / "few", "lrn", SIX[:2]), "lrn", 2),
        assessed(stored(tmp_path / "invented", "lrn", SIX, form=form), "lrn", 6, form=form),
        assessed(stored(tmp_path / "smoke", "lrn", SIX, "smoke"), "lrn", 6, "smoke"),
        assessed(begun, "lrn", 6),
        assessed(Store(tmp_path / "empty"), "lrn", 6),
    ]
    assert [replication(one.case(lrn)) for one in stopped] == [None] * len(stopped)
    assert proxy.verdict(lrn).outcome is Outcome.DIRECTIONAL


def test_a_claim_without_a_standard_error_has_no_comparison(tmp_path: Path) -> None:
    gains = stored(tmp_path, "crop-flip", SIX)
    assert replication(assessed(gains, "crop-flip", 6).case(claim("crop-flip"))) is None


@pytest.mark.parametrize("differences", [SIX, (0.1, -0.2, 0.3, 0.0, -0.1), (-1.0, -1.1, -0.9, -1.2, -1.05)])
def test_verdicts_are_the_same_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, differences: tuple[float, ...]
) -> None:
    lrn, seeds, store = claim("lrn"), len(differences), stored(tmp_path, "lrn", differences)
    with_it = assessed(store, "lrn", seeds)
    assert replication(with_it.case(lrn))
    monkeypatch.setattr(run_log, "SPREADS", (run_log.RepeatedRuns("far apart", (10.0, 90.0)),))
    monkeypatch.setitem(sys.modules, "harness.verdicts.replication", None)  # to import it is an error
    without = assessed(store, "lrn", seeds)
    assert without.verdict(lrn) == with_it.verdict(lrn)
    assert without.effects(lrn) == with_it.effects(lrn)
