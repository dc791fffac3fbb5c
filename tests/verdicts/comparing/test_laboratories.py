"""Where laboratories disagree: Q and I² over their effects, and what is not a second sample."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

import reproductions
from harness.records.store import Store
from harness.reporting import sides
from harness.verdicts.comparing.effect_rows import EffectRow
from harness.verdicts.comparing.laboratories import Agreement, agreements, repeats, welch_p
from harness.verdicts.replication import Study
from tests.fakes.evidence.experiments import decisive, filled, noisy, reproduction


@pytest.fixture(autouse=True)
def _only_the_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproductions, "every", lambda: (reproduction(),))


def rows(root: Path, factor: float) -> tuple[EffectRow, ...]:
    """The made-up effect, about `factor` times as large, in its own runs."""

    def value(arm: str, seed: int) -> float:
        return noisy(arm, seed) * (factor if arm == "tanh" else 1 + factor * (seed + 1) / 100)

    filled(root, 5, value)
    return sides.of_store(Store(root)).rows


def only(found: dict[str, tuple[EffectRow, ...]]) -> Agreement:
    (one,) = agreements(found)
    return one


def test_q_is_cochran_s_on_logarithms(tmp_path: Path) -> None:
    found = {name: rows(tmp_path / name, factor) for name, factor in (("a", 1.001), ("b", 1.01), ("c", 1.2))}
    logs = [math.log(own[0].estimate or 0) for own in found.values()]
    weights = [(own[0].standard_error or 0) ** -2 for own in found.values()]
    mean = sum(w * x for w, x in zip(weights, logs, strict=True)) / sum(weights)
    q = sum(w * (x - mean) ** 2 for w, x in zip(weights, logs, strict=True))
    told = only(found).heterogeneity
    assert told is not None
    assert (told.q, told.df) == (pytest.approx(q), 2)
    assert told.i2 == pytest.approx(1 - 2 / q)
    assert told.p < 0.001


def test_p_is_welch_s_as_scipy_has_it() -> None:
    """Seeds are few, so their standard errors are not known, as Q's own p would have it."""
    stream = np.random.default_rng(5)
    samples = [stream.normal(0.2 * i, 1 + i, n) for i, n in enumerate((3, 5, 10))]
    for some in (samples[:2], samples):
        studies = [Study("", x.mean(), x.std(ddof=1) / math.sqrt(len(x))) for x in some]
        expected = scipy.stats.f_oneway(*some, equal_var=False).pvalue
        assert welch_p(studies, [len(x) - 1 for x in some]) == pytest.approx(expected)


def test_runs_in_common_allow_no_q(tmp_path: Path) -> None:
    one = only({"a": rows(tmp_path / "a", 1.0), "b": rows(tmp_path / "b", 1.0)})
    assert (one.heterogeneity, one.reason) == (None, "a and b have runs in common")


def test_one_laboratory_agrees_with_itself(tmp_path: Path) -> None:
    own = rows(tmp_path / "a", 1.0)
    other = replace(own[0], torch="2.11.0", runs="others")
    assert list(agreements({"a": [*own, other]})) == []
    third = replace(own[0], runs="a third's")
    assert list(only({"a": [*own, other], "b": [third]}).rows) == [
        "a (fp32 on 1 cpu, torch 2.13.0, 1 threads)",
        "a (fp32 on 1 cpu, torch 2.11.0, 1 threads)",
        "b",
    ]


def test_a_laboratory_s_results_that_differ_only_in_how_exact_they_are_all_count(tmp_path: Path) -> None:
    own = rows(tmp_path / "a", 1.0)[0]
    others = [replace(own, tf32=True, runs="tf32"), replace(own, deterministic=False, runs="free")]
    there = replace(own, runs="another's")
    told = [name.partition(" (")[2] for name in only({"a": (own, *others), "b": (there,)}).rows]
    held = "fp32 on 1 cpu, torch 2.13.0, 1 threads"
    assert told == [f"{held})", f"{held}, TF32)", f"{held}, not deterministic)", ""]


def test_an_effect_without_a_standard_error_has_no_q(tmp_path: Path) -> None:
    own = rows(tmp_path / "a", 1.0)
    other = replace(own[0], standard_error=None, runs="others", note="one run: no interval")
    assert only({"a": own, "b": [other]}).reason == "b: one run: no interval"


def test_repeated_trials_are_counted(tmp_path: Path) -> None:
    filled(tmp_path / "a", 5, decisive)
    filled(tmp_path / "b", 3, lambda arm, seed: decisive(arm, seed) + (arm == "relu" and seed == 2))
    found = repeats({name: Store(tmp_path / name).records for name in ("a", "b")})
    assert (found.trials, found.alike) == (6, 5)
