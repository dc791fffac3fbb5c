"""Whether what is judged was declared before the final runs: words may change, an estimand may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.paper.catalogue import claim
from harness.paper.claims import Claim
from harness.plans.experiment import Evidence, Run
from harness.reporting.claims import declared
from harness.reporting.claims.sections import Section
from tests.fakes.evidence import sections as made

THEN = """
TIMES = 6.0
ABOUT = 2 * TIMES
OF_OTHERS = 4.0
CLAIMS = (Claim(id="other", null=0.0, metrics=(Metric("epochs", "×", OF_OTHERS, ratio_band(OF_OTHERS)),)),
    Claim(id="{id}", figure="about 6", estimand="a ratio", null=1.0,
        metrics=(Metric("epochs", "×", ABOUT, ratio_band(ABOUT)), Metric("seconds", "×"))))
"""
BANDS = """
def ratio_band(figure):
    return _around(figure, 1.5)

def _around(figure, factor):
    return figure / factor, figure * factor

def at_most(figure):
    return 0, figure
"""
COMMIT = "abc1234def56"


def section(**environment: object) -> Section:
    """A finished one, all of whose records were made by one commit."""
    base = made.complete()
    assert base.evidence
    runs = tuple(
        _made_on(run, {"commit": COMMIT, "dirty": False} | environment) for run in base.evidence.runs
    )
    return made.changed(base, evidence=Evidence(base.evidence.protocol, base.evidence.plan, runs))


def _made_on(run: Run, environment: dict[str, object]) -> Run:
    return replace(run, record=replace(run.record, environment=environment, started="2030-01-01T09:00:00Z"))


def said(
    monkeypatch: pytest.MonkeyPatch, about: Claim, then: str, now: str, bands: str = BANDS, **made_on: object
) -> str:
    """The sentence if the catalogue has these texts, and the bands' module this one today."""
    texts = {
        (COMMIT, declared.CATALOGUE): then, (COMMIT, declared.BANDS): BANDS,
        ("HEAD", declared.CATALOGUE): now, ("HEAD", declared.BANDS): bands,
    }  # fmt: skip
    monkeypatch.setattr(declared.provenance, "text_at", lambda commit, path: texts.get((commit, path)))
    declared._judged.cache_clear()
    return declared.since(section(**made_on))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ('figure="about 6"', 'figure="6"'),
        ('Metric("seconds", "×")', 'Metric("CPU seconds", "×")'),
        ('id="other", null=0.0', 'id="other", null=9.0'),
        ("OF_OTHERS = 4.0", "OF_OTHERS = 5.0"),
    ],
)
def test_words_metrics_without_a_band_and_other_claims_may_change(
    monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    about = made.complete().claim
    then = THEN.format(id=about.id)
    found = said(monkeypatch, about, then, then.replace(old, new))
    assert found == (
        f"What is judged is as it was in commit {COMMIT}, whose code made the first final run on 2030-01-01."
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"a ratio"', '"a difference"'),
        ("ratio_band(ABOUT)", "ratio_band(5.0)"),
        ("null=1.0", "null=0.9"),
        ("2 * TIMES", "3 * TIMES"),
        ("TIMES = 6.0", "TIMES = 5.0"),
    ],
)
def test_a_change_of_what_is_judged_is_said(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    about = made.complete().claim
    then = THEN.format(id=about.id)
    found = said(monkeypatch, about, then, then.replace(old, new))
    assert found.startswith(f"Changed since commit {COMMIT}, ")
    assert f"git diff {COMMIT} -- harness/paper/catalogue.py" in found


def test_a_change_of_the_bands_themselves_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    about = made.complete().claim
    then = THEN.format(id=about.id)
    for old, new in (("1.5", "2"), ("figure * factor", "figure + factor")):
        assert said(monkeypatch, about, then, then, BANDS.replace(old, new)).startswith("Changed since")


def test_rules_of_bands_that_a_claim_does_not_use_may_change(monkeypatch: pytest.MonkeyPatch) -> None:
    about = made.complete().claim
    then = THEN.format(id=about.id)
    further = BANDS.replace("0, figure", "-1, figure") + "\ndef at_least(figure):\n    return figure, None\n"
    assert said(monkeypatch, about, then, then, further).startswith("What is judged is as it was")


def test_what_was_declared_late_is_said_without_any_run(monkeypatch: pytest.MonkeyPatch) -> None:
    late = made.renamed(made.smoke(), replace(claim("architecture"), amended="Widened later."))
    assert declared.since(late) == "Widened later."


@pytest.mark.parametrize("made_on", [{"dirty": True}, {"commit": None}, {"commit": "0" * 12}])
def test_what_cannot_be_checked_is_not_said(
    monkeypatch: pytest.MonkeyPatch, made_on: dict[str, object]
) -> None:
    about = made.complete().claim
    then = THEN.format(id=about.id)
    assert said(monkeypatch, about, then, then, BANDS, **made_on) == ""


def test_no_text_of_a_record_reaches_git_but_a_commit() -> None:
    assert declared.provenance.text_at("--output=elsewhere", declared.CATALOGUE) is None
