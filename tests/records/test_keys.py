"""Keys change with all that determines a result, and with nothing else."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.device import DeviceKind
from harness.contract.numerics import Numerics
from harness.contract.trial import Precision, Trial
from harness.models.cifar10 import bare, nineteen, thirteen
from harness.models.description import Dense, Function
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.keys import canonical, entries, key_of, lineage_of, plain
from harness.training.settings import ToTarget
from tests.fakes.evidence.trials import STAND_IN, small

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


CONDITIONS: dict[str, Any] = {
    "device": DeviceKind.CUDA,
    "torch": "2.11.0",
    "data": DataIdentity("cifar10", Form.FILES, "c58f30108f718f92721af3b95e74349a"),
    "precision": Precision.BF16,
    "devices": 2,
    "numerics": Numerics(threads=2),
}


def test_every_condition_has_a_change_to_try() -> None:
    assert set(CONDITIONS) == {field.name for field in dataclasses.fields(Conditions)}


@pytest.mark.parametrize("name", CONDITIONS)
def test_each_condition_changes_the_key(name: str) -> None:
    assert key_of(BASE, dataclasses.replace(STAND_IN, **{name: CONDITIONS[name]})) != key_of(BASE, STAND_IN)


@pytest.mark.parametrize("change", [{"threads": 2}, {"deterministic": False}])
def test_what_the_launcher_sets_changes_the_key(change: dict[str, Any]) -> None:
    other = dataclasses.replace(STAND_IN, numerics=Numerics(**change))
    assert key_of(BASE, other) != key_of(BASE, STAND_IN)


def test_who_decodes_photographs_changes_the_key() -> None:
    data = DataIdentity("imagenette", Form.FILES, "0", "Pillow 11.0.0")
    newer = dataclasses.replace(data, decoder="Pillow 12.0.0")
    keys = {key_of(BASE, dataclasses.replace(STAND_IN, data=identity)) for identity in (data, newer)}
    assert len(keys) == 2


def test_equal_trials_have_equal_keys() -> None:
    assert key_of(Trial(small(), 0), STAND_IN) == key_of(Trial(small(), 0), dataclasses.replace(STAND_IN))


def test_only_the_budget_is_left_out_of_the_lineage() -> None:
    longer = Trial(small(max_epochs=9), 0)
    assert lineage_of(longer, STAND_IN) == lineage_of(BASE, STAND_IN)
    assert lineage_of(Trial(small(rate=0.1), 0), STAND_IN) != lineage_of(BASE, STAND_IN)


def test_code_that_can_change_a_result_changes_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = key_of(BASE, STAND_IN)
    monkeypatch.setattr("harness.records.keys.version_of", lambda entries, without: "other")
    assert key_of(BASE, STAND_IN) != before


def test_a_trial_names_the_functions_that_build_its_layers() -> None:
    locally = Trial(small(network=bare(thirteen())), 0)
    assert "harness.models.layers.local:build" in entries(locally)
    assert "harness.models.layers.local:build" not in entries(BASE)


def test_labels_enter_no_key() -> None:
    renamed = dataclasses.replace(BASE.settings.network, name="another name")
    assert key_of(Trial(small(network=renamed), 0), STAND_IN) == key_of(BASE, STAND_IN)


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
