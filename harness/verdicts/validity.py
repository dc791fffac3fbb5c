"""What makes evidence invalid: each problem is a sentence with the keys of the records that show it.

Only final runs are checked, and no tuning seed may return as a final one. A trial that has simply not been
run yet does not make evidence invalid: the verdict then says that it is incomplete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from harness.contract.once import once
from harness.contract.trial import Status
from harness.plans.experiment import Compared, Evidence, Manipulated, Role, Run

ABSENT = object()  # stands for a setting that a run does not have
Pair = tuple[tuple[str, str], tuple[str, ...]]  # two arms, and the settings in which they may differ


def problems(evidence: Evidence, manipulated: Manipulated) -> list[str]:
    """Everything wrong with the evidence; empty if nothing is.

    `manipulated` names the settings in which runs may differ: dotted paths that also cover what lies
    below them, with list items by index or `*` (`network.layers.*.function`). If given by arm, an arm may
    differ from the first only in its own settings; what the protocol chose `per_arm` may differ between any.
    """
    runs = sorted(evidence.final(), key=lambda r: (r.seed, r.arm, r.record.key))
    return [
        *_failed(runs),
        *_hidden_nan(runs),
        *_duplicate_seeds(evidence),
        *_unpaired_seeds(evidence),
        *_reused_seeds(evidence),
        *_differing_settings(runs, evidence, manipulated),
        *_mixed_conditions(runs, manipulated),
    ]


def flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested JSON with their dotted paths; empty containers are leaves too."""
    if isinstance(value, Mapping) and value:
        items: Iterable[tuple[object, Any]] = value.items()
    elif isinstance(value, (list, tuple)) and value:
        items = enumerate(value)
    else:
        yield path, value
        return
    for name, below in items:
        yield from flatten(below, f"{path}.{name}" if path else str(name))


@once
def _flat(settings: Any) -> dict[str, Any]:
    return dict(flatten(settings))


@cache
def covers(pattern: str, path: str) -> bool:
    """Whether a dotted pattern names the path or something above it."""
    wanted, found = pattern.split("."), path.split(".")
    pairs = zip(wanted, found, strict=False)
    return len(wanted) <= len(found) and all(w in ("*", f) for w, f in pairs)


def _failed(runs: Sequence[Run]) -> Iterator[str]:
    failed = [r for r in runs if r.record.status is Status.FAILED]
    if failed:
        yield f"{len(failed)} of {len(runs)} final runs failed and left no result: {_keys(failed)}"


def _hidden_nan(runs: Sequence[Run]) -> Iterator[str]:
    for run in runs:
        if run.record.status is Status.OK and (odd := run.record.odd):
            yield f"a run with status ok hides a value that is not finite ({odd}): {_keys([run])}"


def _duplicate_seeds(evidence: Evidence) -> Iterator[str]:
    counts = Counter((p.arm, p.trial.seed) for p in evidence.plan.trials if p.role is Role.FINAL)
    for (arm, seed), count in counts.items():
        if count > 1:
            same = [r for r in evidence.final(arm) if r.seed == seed]
            yield f"arm {arm} has seed {seed} {count} times: {_keys(same)}"


def _unpaired_seeds(evidence: Evidence) -> Iterator[str]:
    """Planned seeds that an arm has and another with as many lacks, once all final trials are known.

    An arm may have fewer seeds than another: a baseline shared by many arms has more.
    """
    if evidence.plan.to_come:
        return
    arms = evidence.plan.seeds
    for arm, seeds in arms.items():
        shared = set.intersection(*(other for other in arms.values() if len(other) >= len(seeds)))
        if seeds - shared:
            lone = [r for r in evidence.final(arm) if r.seed not in shared]
            yield f"arm {arm} has seeds {_listed(seeds - shared)} that other arms lack: {_keys(lone)}"


def _reused_seeds(evidence: Evidence) -> Iterator[str]:
    tuning = {p.trial.seed for p in evidence.plan.trials if p.role is Role.TUNING}
    reused = [r for r in evidence.final() if r.seed in tuning]
    if reused:
        seeds = _listed({r.seed for r in reused})
        yield f"tuning seeds {seeds} were used again for final runs: {_keys(reused)}"


def _differing_settings(runs: Sequence[Run], evidence: Evidence, manipulated: Manipulated) -> Iterator[str]:
    """Each arm against the first by its own settings, or all arms by the settings in which any may differ."""
    chosen, by_arm = evidence.protocol.per_arm, _by_arm(runs)
    if isinstance(manipulated, Mapping):
        yield from _differing_pairs(by_arm, pairs(evidence.arms, manipulated), chosen)
        return
    found, together = _differing(runs), (*manipulated, *chosen)
    yield from _unequal(runs, [path for path in found if not _covered(together, path)])
    for own in by_arm.values() if chosen else ():
        apart = (path for path in _differing(own) if not _covered(manipulated, path))
        yield from _unequal(own, [path for path in apart if _covered(chosen, path)])


def pairs(arms: Sequence[str], manipulated: Mapping[Compared, tuple[str, ...]]) -> Iterator[Pair]:
    """Which arms are compared with each other, and the settings in which they may differ.

    Each arm is compared with the first, so that two others can differ only in the settings of both; named
    pairs are compared too.
    """
    for arm in arms[1:]:
        yield (arms[0], arm), manipulated.get(arm, ())
    for named, patterns in manipulated.items():
        if isinstance(named, tuple):
            yield named, patterns


def _differing_pairs(
    by_arm: Mapping[str, list[Run]], held: Iterable[Pair], chosen: tuple[str, ...]
) -> Iterator[str]:
    """Runs of one arm may not differ at all; what is reported for an arm is not repeated for a pair."""
    within = {arm: _differing(own) for arm, own in by_arm.items()}
    for arm, own in by_arm.items():
        yield from _unequal(own, within[arm])
    for pair, patterns in held:
        both = [run for arm in pair for run in by_arm.get(arm, ())]
        told = {path for arm in pair for path in within.get(arm, ())}
        found = (path for path in _differing(both) if path not in told)
        yield from _unequal(both, [path for path in found if not _covered((*patterns, *chosen), path)])


def _by_arm(runs: Sequence[Run]) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.arm, []).append(run)
    return found


def _covered(patterns: Iterable[str], path: str) -> bool:
    return any(covers(pattern, path) for pattern in patterns)


def _differing(runs: Sequence[Run]) -> list[str]:
    """The settings, as dotted paths, in which any two of the runs differ."""
    found = (_flat(run.record.trial["settings"]) for run in runs)
    first, *others = {id(flat): flat for flat in found}.values() or [{}]  # seeds of an arm share theirs
    return sorted(set[str]().union(*map(_unlike(first), others)))


@once
def _unlike(first: dict[str, Any]) -> Callable[[dict[str, Any]], set[str]]:
    """The paths in which other settings differ from these; cached, as several machines run the same ones."""
    return once(
        lambda other: {p for p in first.keys() | other if other.get(p, ABSENT) != first.get(p, ABSENT)}
    )


def _unequal(runs: Sequence[Run], paths: Iterable[str]) -> Iterator[str]:
    """A sentence for each setting in which runs differ but must not."""
    for path in paths:
        values = [_flat(run.record.trial["settings"]).get(path, ABSENT) for run in runs]
        yield from _mixed(runs, f"setting {path}", values)


def _mixed_conditions(runs: Sequence[Run], manipulated: Manipulated) -> Iterator[str]:
    """Hardware, torch, precision and data; the CPU counts only if it did the arithmetic."""
    held: dict[str, Callable[[Run], object]] = {
        "device": lambda r: r.record.conditions.device,
        "devices": lambda r: r.record.conditions.devices,
        "torch": lambda r: r.record.conditions.torch,
        "numerics": lambda r: r.record.conditions.numerics,
        "precision": lambda r: r.record.trial.get("precision"),
        "processor": lambda r: r.record.processor,
    }
    for name, of in held.items():
        yield from _mixed(runs, name, [of(r) for r in runs])
    one = [run for run in runs if "dataset" not in _own(manipulated, run.arm)]
    yield from _mixed(one, "data", [run.record.conditions.data for run in one])


def _own(manipulated: Manipulated, arm: str) -> tuple[str, ...]:
    return manipulated.get(arm, ()) if isinstance(manipulated, Mapping) else manipulated


def _mixed(runs: Sequence[Run], what: str, values: Sequence[object]) -> Iterator[str]:
    """One sentence if the values differ, with every value's arms and keys."""
    kinds: list[object] = []
    for value in values:
        if value not in kinds:
            kinds.append(value)
    if len(kinds) > 1:
        groups = [[r for r, v in zip(runs, values, strict=True) if v == kind] for kind in kinds]
        found = "; ".join(
            f"{_value(k)} in {_arms(g)} ({_keys(g)})" for k, g in zip(kinds, groups, strict=True)
        )
        yield f"final runs differ in {what}: {found}"


def _value(value: object) -> str:
    return "absent" if value is ABSENT else repr(value)


def _arms(runs: Sequence[Run]) -> str:
    return ", ".join(sorted({r.arm for r in runs}))


def _keys(runs: Sequence[Run]) -> str:
    return ", ".join(sorted(r.record.key for r in runs)) or "no record yet"


def _listed(seeds: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(seeds)))
