"""The verdict rests on the primary effect: where it is missing, no other stands in for it."""

from __future__ import annotations

from dataclasses import replace

from harness.effects.statistics.intervals import paired_ratio
from harness.paper.catalogue import claim
from harness.plans.experiment import Finding
from harness.verdicts.assessment import Assessment
from tests.fakes.evidence import sections as made

RELU = claim("relu-speedup")


def assessed(*metrics: str) -> Assessment:
    """An assessment with an effect of each of the metrics, in that order."""
    found = made.complete().assessment
    assert found is not None
    effects = tuple(paired_ratio(name, "×", [6.0, 6.1, 5.9], [1.0, 1.0, 1.0]) for name in metrics)
    return replace(found, finding=Finding({RELU.id: effects}))


def test_the_primary_effect_comes_first() -> None:
    names = [effect.metric for effect in assessed("CPU seconds", "epochs").effects(RELU)]
    assert names == ["epochs", "CPU seconds"]


def test_without_it_there_is_no_effect() -> None:
    assert assessed("CPU seconds").effects(RELU) == ()
