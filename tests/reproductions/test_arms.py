"""Arms differ in the manipulated factor alone, and share all else: shown on settings and built networks."""

from __future__ import annotations

from functools import cache

import pytest
import torch

import reproductions
from harness.models.description import Network, Weighted
from harness.models.network import Net
from harness.plans.ablation import BASELINE, training
from harness.plans.experiment import Protocol, Reproduction, Role, Run
from harness.plans.protocols import EVERY as SCALES
from harness.records.keys import canonical, key_of
from harness.verdicts.validity import covers, flatten
from tests.fakes.records import REAL, finished

EVERY = reproductions.every()
PROTOCOLS = [(r, p) for r in EVERY for p in r.protocols]
names = lambda value: value.name if isinstance(value, (Reproduction, Protocol)) else None  # noqa: E731
each_protocol = pytest.mark.parametrize(("reproduction", "protocol"), PROTOCOLS, ids=names)


@cache
def runs(reproduction: str, protocol: str) -> tuple[Run, ...]:
    """Final runs of two seeds, in the plan's order."""
    found = reproductions.named(reproduction)
    evidence = finished(found, found.protocol(protocol), seeds=2)
    return tuple(run for run in evidence.runs if run.planned.role is Role.FINAL)


def differing(found: tuple[Run, ...]) -> set[str]:
    """Settings, as dotted paths, in which any two of the runs differ."""
    flat = [dict(flatten(run.record.trial["settings"])) for run in found]
    missing = object()
    paths = set().union(*flat)
    return {path for path in paths if any(f.get(path, missing) != flat[0].get(path, missing) for f in flat)}


@each_protocol
def test_arms_differ_only_where_the_reproduction_says(reproduction: Reproduction, protocol: Protocol) -> None:
    found = differing(runs(reproduction.name, protocol.name))
    assert {path for path in found if not any(covers(m, path) for m in reproduction.manipulated)} == set()


@pytest.mark.parametrize("reproduction", EVERY, ids=names)
def test_no_more_is_declared_as_manipulated_than_is(reproduction: Reproduction) -> None:
    """Each pattern covers a setting that arms differ in at some protocol and that no other pattern covers."""
    found = set().union(*(differing(runs(reproduction.name, p.name)) for p in reproduction.protocols))
    for pattern in reproduction.manipulated:
        others = set(reproduction.manipulated) - {pattern}
        own = {p for p in found if covers(pattern, p) and not any(covers(other, p) for other in others)}
        assert own, f"{pattern} is not needed"


@each_protocol
def test_no_two_arms_are_the_same_trial(reproduction: Reproduction, protocol: Protocol) -> None:
    arms: dict[str, set[str]] = {}
    for run in runs(reproduction.name, protocol.name):
        arms.setdefault(canonical(run.planned.trial), set()).add(run.arm)
    assert [same for same in arms.values() if len(same) > 1] == []


@each_protocol
def test_the_unchanged_arm_is_one_trial_in_every_experiment(
    reproduction: Reproduction, protocol: Protocol
) -> None:
    """So it is trained once: an experiment at one of the common scales has the paper's network by its key."""
    if protocol not in SCALES:
        pytest.skip("a scale of its own")
    keys = {key_of(p.trial, REAL) for p in finished(reproduction, protocol, seeds=2).plan.trials}
    assert {key_of(training(protocol, BASELINE, seed), REAL) for seed in range(2)} <= keys


def networks(reproduction: Reproduction) -> list[Network]:
    found = (run.planned.trial.settings for run in runs(reproduction.name, "smoke"))
    return list({canonical(s.network): s.network for s in found if s.network is not None}.values())


@pytest.mark.parametrize("reproduction", EVERY, ids=names)
def test_what_arms_have_in_common_starts_from_the_same_weights(reproduction: Reproduction) -> None:
    """From one seed: layers that are described alike, and see inputs of one shape, bit for bit."""
    drawn: dict[tuple[Weighted, tuple[int, ...]], torch.Tensor] = {}
    for network in networks(reproduction):
        shapes = {layer: before for layer, before, _ in network.walk() if isinstance(layer, Weighted)}
        for layer, weight, bias in Net(network).initialise(3).weighted():
            first = drawn.setdefault((layer, shapes[layer]), weight)
            assert torch.equal(weight, first)
            assert bool((bias == layer.bias).all())
