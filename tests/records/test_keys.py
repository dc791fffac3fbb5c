"""Keys change with all that determines a result, and with nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.trial import Precision, Trial
from harness.models.cifar10 import bare, nineteen, thirteen
from harness.models.description import Dense, Function
from harness.records import meaning
from harness.records.conditions import Conditions
from harness.records.keys import canonical, implementations, key_of, lineage_of, plain
from harness.training.settings import ToTarget
from tests.conftest import STAND_IN, small

BASE = Trial(small(), 0)
OTHER: dict[str, Any] = {
    "network": bare(nineteen(Function.TANH)),
    "rate": 0.002,
    "max_epochs": 3,
    "dataset": "other",
    "images": 256,
    "crop": 24,
    "bias_rate_factor": 1.0,
    "momentum": 0.8,
    "batch_size": 64,
    "target": 0.2,
    "watch_from": 0.8,
    "sample": 128,
    "looks_per_epoch": 2,
}


def test_every_setting_has_a_change_to_try() -> None:
    assert set(OTHER) == {field.name for field in dataclasses.fields(ToTarget)}


@pytest.mark.parametrize("name", OTHER)
def test_each_setting_changes_the_key(name: str) -> None:
    changed = dataclasses.replace(BASE.settings, **{name: OTHER[name]})
    assert key_of(Trial(changed, 0), STAND_IN) != key_of(BASE, STAND_IN)


@pytest.mark.parametrize("change", [{"seed": 1}, {"precision": Precision.BF16}])
def test_seed_and_precision_change_the_key(change: dict[str, Any]) -> None:
    assert key_of(dataclasses.replace(BASE, **change), STAND_IN) != key_of(BASE, STAND_IN)


@pytest.mark.parametrize("name", ["device", "torch", "data"])
def test_each_condition_changes_the_key(name: str) -> None:
    assert key_of(BASE, dataclasses.replace(STAND_IN, **{name: "other"})) != key_of(BASE, STAND_IN)


def test_equal_trials_have_equal_keys() -> None:
    assert key_of(Trial(small(), 0), STAND_IN) == key_of(Trial(small(), 0), Conditions(**vars(STAND_IN)))


def test_only_the_budget_is_left_out_of_the_lineage() -> None:
    longer = Trial(small(max_epochs=9), 0)
    assert lineage_of(longer, STAND_IN) == lineage_of(BASE, STAND_IN)
    assert lineage_of(Trial(small(rate=0.1), 0), STAND_IN) != lineage_of(BASE, STAND_IN)


def test_code_that_can_change_a_result_changes_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of(BASE, STAND_IN)
    monkeypatch.setattr("harness.records.keys.meaning_of", lambda modules: "other")
    assert key_of(BASE, STAND_IN) != before


def test_a_trial_names_the_modules_of_its_layers() -> None:
    assert "harness.models.layers.local" in implementations(small(network=bare(thirteen())).network)
    assert "harness.models.layers.local" not in implementations(BASE.settings)


MODULE = '''
"""A module."""
import math


class Area:
    """Areas."""

    def disc(self, r):
        """Of a disc."""
        # squared
        return math.pi * r ** 2
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# squared", "# something else"),
        ("Of a disc.", "Of a circle."),
        ('"""A module."""', ""),
        ("return math.pi * r ** 2", "return (math.pi\n            * r**2)"),
        ("    # squared\n", "\n\n"),
    ],
)
def test_what_is_only_written_differently_means_the_same(old: str, new: str) -> None:
    assert old in MODULE
    assert meaning.source_meaning(MODULE.replace(old, new)) == meaning.source_meaning(MODULE)


@pytest.mark.parametrize(
    ("old", "new"), [("** 2", "** 3"), ("math.pi", "math.e"), ("disc", "ball"), ("(self, r)", "(self, r=1)")]
)
def test_what_does_something_else_means_something_else(old: str, new: str) -> None:
    assert meaning.source_meaning(MODULE.replace(old, new)) != meaning.source_meaning(MODULE)


def test_a_module_counts_with_all_that_it_imports() -> None:
    found = meaning.closure(frozenset({"harness.training.to_target"}))
    assert {
        "harness.training.loop",
        "harness.training.update",
        "harness.data.cifar10",
        "harness.contract.streams",
    } <= found
    assert (
        not {
            "harness.records.store",
            "harness.effects.intervals",
            "harness.records.keys",
            "harness.models.alexnet",
        }
        & found
    )


@given(
    st.dictionaries(
        st.text(),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.text(),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
    )
)
def test_the_order_of_a_mapping_does_not_matter(values: dict[str, Any]) -> None:
    assert canonical(values) == canonical(dict(reversed(list(values.items()))))


def test_equal_fields_of_two_kinds_differ() -> None:
    @dataclasses.dataclass(frozen=True)
    class Sparse(Dense):
        pass

    assert canonical(Dense("fc", 10)) != canonical(Sparse("fc", 10))


def test_a_trial_holds_only_plain_values() -> None:
    with pytest.raises(TypeError, match="cannot hold"):
        plain({"bad": object()})
    with pytest.raises(ValueError, match="JSON"):
        canonical(float("nan"))
