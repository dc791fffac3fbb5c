"""The part of the contract about arms: they differ only in the manipulated factor, and share all else.

Checked on settings and on built networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

import torch

import reproductions
from harness.models.description import Network, Weighted
from harness.models.network import Net
from harness.paper.claims import Fit, Kind
from harness.paper.papers import claim
from harness.plans.experiment import Check, Protocol, Reproduction, Role, Run
from harness.records.keys import canonical
from harness.testing.records import finished
from harness.verdicts.validity import covers, flatten, pairs


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


def compared(
    reproduction: Reproduction, protocol: Protocol
) -> Iterator[tuple[tuple[str, ...], tuple[Run, ...], tuple[str, ...]]]:
    """Arms compared with each other (none: all), their runs, and where they may differ."""
    found, manipulated = runs(reproduction.name, protocol.name), reproduction.manipulated
    if not isinstance(manipulated, Mapping):
        yield (), found, manipulated
        return
    arms = list(dict.fromkeys(run.arm for run in found))
    for pair, patterns in pairs(arms, manipulated):
        yield pair, tuple(run for run in found if run.arm in pair), patterns


def test_arms_differ_only_where_the_reproduction_says(reproduction: Reproduction, protocol: Protocol) -> None:
    for _, found, patterns in compared(reproduction, protocol):
        allowed = (*patterns, *protocol.per_arm)
        assert {path for path in differing(found) if not any(covers(m, path) for m in allowed)} == set()


def test_no_more_is_declared_as_manipulated_than_is(reproduction: Reproduction) -> None:
    """Each pattern covers a setting that differs between its arms at some protocol and no other covers."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], set[str]] = {}
    for protocol in reproduction.protocols:
        for arms, these, patterns in compared(reproduction, protocol):
            found.setdefault((arms, patterns), set()).update(differing(these))
    for (arms, patterns), paths in found.items():
        for pattern in patterns:
            others = set(patterns) - {pattern}
            own = {p for p in paths if covers(pattern, p) and not any(covers(o, p) for o in others)}
            assert own, f"{pattern} is not needed between {arms or 'arms'}"


def test_each_of_three_or_more_arms_says_what_it_changes(reproduction: Reproduction) -> None:
    """So that a setting meant for one arm is detected if another arm changes it."""
    arms = {run.arm for protocol in reproduction.protocols for run in runs(reproduction.name, protocol.name)}
    if not isinstance(reproduction.manipulated, Mapping):
        assert len(arms) < 3 or all(
            claim(name).kind is Kind.COST for name in reproduction.claims
        )  # never judged
        return
    named = {arm for name in reproduction.manipulated for arm in ((name,) if isinstance(name, str) else name)}
    assert named <= arms
    assert len(arms - named) == 1  # the baseline


def test_arms_that_gates_ask_about_are_in_the_plan(reproduction: Reproduction, protocol: Protocol) -> None:
    """If a protocol asks whether networks overfit, the reproduction names the arm that should."""
    arms = {run.arm for run in runs(reproduction.name, protocol.name)}
    assert reproduction.overfitting_arm in (None, *arms)
    asked = any(claim(name).fit is Fit.OVERFITTED for name in reproduction.claims)
    if asked and Check.UNDER_FITTED in protocol.gates:
        assert reproduction.overfitting_arm is not None


def test_no_two_arms_are_the_same_trial(reproduction: Reproduction, protocol: Protocol) -> None:
    arms: dict[str, set[str]] = {}
    for run in runs(reproduction.name, protocol.name):
        arms.setdefault(canonical(run.planned.trial), set()).add(run.arm)
    assert [same for same in arms.values() if len(same) > 1] == []


def networks(reproduction: Reproduction) -> list[Network]:
    found = (run.planned.trial.settings.network for run in runs(reproduction.name, "smoke"))
    return list({canonical(one): one for one in found if isinstance(one, Network)}.values())


def test_what_arms_have_in_common_starts_from_the_same_weights(reproduction: Reproduction) -> None:
    """From one seed: layers with the same description and input shape, bit for bit."""
    drawn: dict[tuple[Weighted, tuple[int, ...]], torch.Tensor] = {}
    for network in networks(reproduction):
        shapes = {layer: before for layer, before, _ in network.walk() if isinstance(layer, Weighted)}
        for layer, weight, bias in Net(network).initialise(3).weighted():
            first = drawn.setdefault((layer, shapes[layer]), weight)
            assert torch.equal(weight, first)
            assert bool((bias == layer.bias).all())
