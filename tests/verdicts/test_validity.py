"""Everything that makes evidence invalid is reported, with the keys that show it; sound evidence passes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.device import DeviceKind
from harness.contract.trial import Status, Trial
from harness.plans.experiment import Compared, Evidence, Plan, Planned, Protocol, Role, Run
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.record import Record
from harness.verdicts.validity import covers, flatten, problems
from tests.fakes.running.settings import Idle

MANIPULATED = ("rate", "network.layers.*.function")

HERE = Conditions(DeviceKind.CPU, "2.11", DataIdentity("cifar10", Form.FILES, "1"))


def settings(arm: str) -> dict[str, Any]:
    layers = [{"is": "Conv", "units": 32}, {"is": "Activate", "function": arm}]
    return {"rate": 0.1 if arm == "relu" else 0.2, "dataset": "cifar10", "network": {"layers": layers}}


def run(arm: str, seed: int, role: Role = Role.FINAL, **changes: Any) -> Run:
    """A run whose record can be changed in any field, or in its settings by `settings`."""
    trial = {"settings": settings(arm) | changes.pop("settings", {}), "seed": seed, "precision": "fp32"}
    trial |= changes.pop("trial", {})
    conditions = replace(HERE, **changes.pop("conditions", {}))
    record = Record(
        f"{arm}-{seed}", "", trial, conditions, "", Status.OK, {"epochs": 5.0}, environment={"cpu": "A"}
    )
    return Run(Planned(Trial(Idle(), seed), arm, role), replace(record, **changes))


def evidence(runs: list[Run], to_come: str = "") -> Evidence:
    plan = Plan(tuple(r.planned for r in runs), to_come)
    return Evidence(Protocol("cifar10", "", "cifar10", 3), plan, tuple(runs))


def sound() -> list[Run]:
    tuning = [run(arm, 1001, Role.TUNING, settings={"rate": 9.0}) for arm in ("tanh", "relu")]
    return [*tuning, *(run(arm, seed) for arm in ("tanh", "relu") for seed in range(3))]


def told(*changed: Run, without: tuple[str, ...] = ()) -> list[str]:
    """Problems of sound evidence in which some runs replace those with the same key."""
    keys = {r.record.key for r in changed} | set(without)
    return problems(evidence([*(r for r in sound() if r.record.key not in keys), *changed]), MANIPULATED)


def test_sound_evidence_has_no_problems() -> None:
    assert problems(evidence(sound()), MANIPULATED) == []
    assert problems(evidence([]), ()) == []


def test_a_difference_beyond_the_factor_is_told_with_path_values_and_keys() -> None:
    (sentence,) = told(run("relu", 1, settings={"dataset": "cifar100"}))
    assert sentence.startswith(
        "final runs differ in setting dataset: 'cifar10' in relu, tanh (relu-0, relu-2"
    )
    assert "'cifar100' in relu (relu-1)" in sentence


def test_a_setting_that_one_arm_lacks_is_a_difference() -> None:
    (sentence,) = told(run("relu", 1, settings={"crop": 24}))
    assert "setting crop" in sentence
    assert "absent in" in sentence


def test_the_manipulated_factor_must_be_named() -> None:
    sentences = problems(evidence(sound()), ("rate",))
    assert [s.split(":")[0] for s in sentences] == ["final runs differ in setting network.layers.1.function"]
    assert problems(evidence(sound()), ("rate", "network")) == []


BY_ARM: Mapping[Compared, tuple[str, ...]] = {
    "relu": ("rate", "network.layers.*.function"),
    "wide": ("network.layers.0.units",),
    "wide relu": ("rate", "network.layers"),
}


def of_arms(*changed: Run) -> Evidence:
    """Three seeds of tanh, relu, a wider tanh and a wider relu, some of them changed."""

    def wide(arm: str, function: str, seed: int) -> Run:
        layers = [{"is": "Conv", "units": 64}, {"is": "Activate", "function": function}]
        return run(arm, seed, settings={"network": {"layers": layers}, "rate": settings(function)["rate"]})

    runs = [run(arm, seed) for seed in range(3) for arm in ("tanh", "relu")]
    runs += [wide("wide", "tanh", seed) for seed in range(3)]
    runs += [wide("wide relu", "relu", seed) for seed in range(3)]
    known = {r.record.key: r for r in changed}
    return evidence([known.get(r.record.key, r) for r in runs])


def with_settings(whole: Evidence, arm: str, **changes: Any) -> list[Run]:
    """The arm's runs with other settings."""

    def changed(one: Run) -> Run:
        trial = {**one.record.trial, "settings": {**one.record.trial["settings"], **changes}}
        return replace(one, record=replace(one.record, trial=trial))

    return [changed(one) for one in whole.final(arm)]


def arm_of(sentence: str) -> str:
    return sentence.split(":")[0].removeprefix("final runs differ in setting ")


def test_each_arm_may_differ_in_its_own_settings() -> None:
    assert problems(of_arms(), BY_ARM) == []


@pytest.mark.parametrize(
    ("arm", "setting", "value", "found"),
    [
        ("relu", "rate", 0.7, []),  # relu's own
        ("wide relu", "rate", 0.7, []),
        ("wide", "rate", 0.7, ["rate"]),  # allowed for relu, changed in another
        ("relu", "network", {"layers": [{"is": "Conv", "units": 64}, {"is": "Activate", "function": "relu"}]},
         ["network.layers.0.units"]),  # allowed for the wide one
        ("wide", "crop", 24, ["crop"]),  # allowed for none
    ],
)  # fmt: skip
def test_a_setting_allowed_for_one_arm_is_found_where_another_changes_it(
    arm: str, setting: str, value: object, found: list[str]
) -> None:
    whole = of_arms()
    changed = of_arms(*with_settings(whole, arm, **{setting: value}))
    assert list(map(arm_of, problems(changed, BY_ARM))) == found
    everything = tuple({p for patterns in BY_ARM.values() for p in patterns})
    assert "crop" in found or problems(changed, everything) == []  # the union of all would not have found it


def test_runs_of_one_arm_differ_in_nothing_not_even_in_its_own_setting() -> None:
    (odd, *_) = with_settings(of_arms(), "relu", rate=0.7)
    (sentence,) = problems(of_arms(odd), BY_ARM)
    assert sentence.startswith("final runs differ in setting rate: ")
    assert "tanh" not in sentence


def test_a_difference_within_the_baseline_is_told_once() -> None:
    (odd, *_) = with_settings(of_arms(), "tanh", crop=24)
    (sentence,) = problems(of_arms(odd), BY_ARM)
    assert "24 in tanh (tanh-0)" in sentence


def test_two_arms_beside_the_first_may_be_held_to_less_than_both_their_settings() -> None:
    """The wide relu may learn at another rate than the first arm, but not at another than relu."""
    held = {**BY_ARM, ("relu", "wide relu"): ("network.layers.0.units",)}
    assert problems(of_arms(), held) == []
    faster = of_arms(*with_settings(of_arms(), "wide relu", rate=0.7))
    assert problems(faster, BY_ARM) == []
    (sentence,) = problems(faster, held)
    assert sentence.startswith("final runs differ in setting rate: 0.1 in relu")


def test_an_arm_that_nobody_declared_may_differ_in_nothing() -> None:
    fewer = {arm: patterns for arm, patterns in BY_ARM.items() if arm != "wide"}
    assert list(map(arm_of, problems(of_arms(), fewer))) == ["network.layers.0.units"]


@pytest.mark.parametrize("manipulated", [("arm", "network"), {"relu": ("arm", "network")}])
def test_what_a_protocol_tunes_for_each_arm_may_differ_between_arms_alone(
    manipulated: tuple[str, ...] | dict[Compared, tuple[str, ...]],
) -> None:
    runs = [run(arm, seed) for seed in range(3) for arm in ("tanh", "relu")]
    whole = evidence(runs)
    tuned = replace(whole, protocol=replace(whole.protocol, per_arm=("rate",)))
    assert list(map(arm_of, problems(whole, manipulated))) == ["rate"]
    assert problems(tuned, manipulated) == []
    (odd, *_) = with_settings(whole, "relu", rate=0.7)
    mixed = replace(tuned, runs=tuple(odd if r.record.key == odd.record.key else r for r in tuned.runs))
    (sentence,) = problems(mixed, manipulated)
    assert sentence.startswith("final runs differ in setting rate: ")
    assert "tanh" not in sentence


def test_data_may_differ_where_an_arm_says_so() -> None:
    other = {"settings": {"dataset": "x"}, "conditions": {"data": DataIdentity("x", Form.FILES, "1")}}
    runs = [run("tanh", 0), run("relu", 0, **other)]
    allowed: dict[Compared, tuple[str, ...]] = {"relu": (*MANIPULATED, "dataset")}
    assert problems(evidence(runs), allowed) == []
    assert len(problems(evidence(runs), {"relu": MANIPULATED})) == 2


def test_failed_runs() -> None:
    (sentence,) = told(run("tanh", 2, status=Status.FAILED))
    assert sentence == "1 of 6 final runs failed and left no result: tanh-2"


def test_diverged_and_censored_runs_are_results() -> None:
    assert told(run("tanh", 2, status=Status.DIVERGED, metrics={"epochs": None})) == []
    assert told(run("tanh", 2, metrics={"epochs": None})) == []


@pytest.mark.parametrize("hidden", [{"metrics": {"epochs": math.nan}}, {"curve": ({"loss": math.inf},)}])
def test_hidden_nan(hidden: dict[str, Any]) -> None:
    (sentence,) = told(run("tanh", 2, **hidden))
    assert "not finite" in sentence
    assert "tanh-2" in sentence
    assert told(run("tanh", 2, status=Status.DIVERGED, **hidden)) == []


def test_duplicate_seeds() -> None:
    sentences = told(run("tanh", 1, key="again"), run("tanh", 1))
    assert sentences == ["arm tanh has seed 1 2 times: again, tanh-1"]


def test_unpaired_seeds() -> None:
    sentences = told(run("tanh", 7), without=("tanh-1",))
    assert sorted(sentences) == [
        "arm relu has seeds 1 that other arms lack: relu-1",
        "arm tanh has seeds 7 that other arms lack: tanh-7",
    ]


def test_a_baseline_may_have_more_seeds_than_the_arms() -> None:
    more = [run("relu", seed) for seed in range(3, 9)]
    assert problems(evidence([*sound(), *more]), MANIPULATED) == []
    (sentence,) = problems(evidence([*sound(), *more, run("tanh", 11)]), MANIPULATED)
    assert sentence == "arm tanh has seeds 11 that other arms lack: tanh-11"


def test_seeds_are_compared_only_once_the_plan_is_complete() -> None:
    tanh_only = [r for r in sound() if r.arm == "tanh"]
    assert problems(evidence(tanh_only, to_come="the learning rate of relu"), MANIPULATED) == []


def test_a_trial_not_yet_run_is_no_problem() -> None:
    whole = evidence(sound())
    assert problems(replace(whole, runs=whole.runs[:-1]), MANIPULATED) == []


def test_reused_tuning_seeds() -> None:
    (sentence,) = told(run("tanh", 1, Role.TUNING, key="tuned"), run("tanh", 1))
    assert sentence == "tuning seeds 1 were used again for final runs: relu-1, tanh-1"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"conditions": {"device": DeviceKind.CUDA}, "environment": {"gpu": "A"}}, "device"),
        ({"conditions": {"torch": "2.12"}}, "torch"),
        ({"conditions": {"data": DataIdentity("cifar10", Form.FILES, "2")}}, "data"),
        ({"trial": {"precision": "bf16"}}, "precision"),
        ({"environment": {"cpu": "B"}}, "processor"),
    ],
)
def test_mixed_conditions(change: dict[str, Any], what: str) -> None:
    sentences = told(run("relu", 2, **change))
    assert any(s.startswith(f"final runs differ in {what}: ") and "(relu-2)" in s for s in sentences)


def test_on_a_gpu_the_gpu_counts_and_the_cpu_does_not() -> None:
    def on_gpu(arm: str, seed: int, gpu: str, cpu: str) -> Run:
        return run(arm, seed, conditions={"device": DeviceKind.CUDA}, environment={"gpu": gpu, "cpu": cpu})

    runs = [on_gpu("tanh", 0, "H200", "A"), on_gpu("relu", 0, "H200", "B")]
    assert problems(evidence(runs), MANIPULATED) == []
    runs[1] = on_gpu("relu", 0, "T4", "B")
    assert problems(evidence(runs), MANIPULATED) == [
        "final runs differ in processor: 'T4' in relu (relu-0); 'H200' in tanh (tanh-0)"
    ]


def test_arms_on_other_data_must_say_so() -> None:
    runs = [
        run("a", 0),
        run("a", 1, settings={"dataset": "x"}, conditions={"data": DataIdentity("x", Form.FILES, "1")}),
    ]
    assert len(problems(evidence(runs), MANIPULATED)) == 2
    assert problems(evidence(runs), (*MANIPULATED, "dataset")) == []


@given(st.permutations(range(8)), st.integers(0, 7))
def test_the_order_of_records_does_not_matter(order: list[int], changed: int) -> None:
    runs = sound()
    runs[changed] = replace(runs[changed], record=replace(runs[changed].record, environment={"cpu": "B"}))
    shuffled = replace(evidence(runs), runs=tuple(runs[i] for i in order))
    assert problems(shuffled, MANIPULATED) == problems(evidence(runs), MANIPULATED)


def test_paths() -> None:
    assert dict(flatten({"a": [1, {"b": 2}], "c": []})) == {"a.0": 1, "a.1.b": 2, "c": []}
    assert covers("a", "a.0.b")
    assert covers("a.*.b", "a.3.b")
    assert covers("a.1", "a.1.b")
    assert not covers("a.1", "a.10")
    assert not covers("a.0.b", "a.0")
