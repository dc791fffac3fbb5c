"""What makes evidence invalid: each problem a sentence with the keys of the records that show it.

Only final runs are held to it, save that no tuning seed may come back as a final one. A trial that has
simply not been run yet is no problem of validity: the verdict then says that the evidence is incomplete.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from harness.contract.device import DeviceKind
from harness.contract.once import once
from harness.contract.trial import Status
from harness.plans.experiment import Evidence, Role, Run


def problems(evidence: Evidence, manipulated: tuple[str, ...]) -> list[str]:
    """All that is wrong with the evidence; empty when nothing is.

    `manipulated` names the settings in which runs may differ: dotted paths that also cover what lies
    below them, with list items by index or `*` (`network.layers.*.function`).
    """
    runs = sorted(evidence.final(), key=lambda r: (r.seed, r.arm, r.record.key))
    return [
        *_failed(runs),
        *_hidden_nan(runs),
        *_duplicate_seeds(evidence),
        *_unpaired_seeds(evidence),
        *_reused_seeds(evidence),
        *_differing_settings(runs, manipulated),
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
            yield f"a run that counts as ok hides a value that is not finite ({odd}): {_keys([run])}"


def _duplicate_seeds(evidence: Evidence) -> Iterator[str]:
    counts = Counter((p.arm, p.trial.seed) for p in evidence.plan.trials if p.role is Role.FINAL)
    for (arm, seed), count in counts.items():
        if count > 1:
            same = [r for r in evidence.final(arm) if r.seed == seed]
            yield f"arm {arm} has seed {seed} {count} times: {_keys(same)}"


def _unpaired_seeds(evidence: Evidence) -> Iterator[str]:
    """Seeds that an arm has and another with as many lacks, by the plan; once all final trials are known.

    An arm may have fewer seeds than another, as a baseline that many arms are compared with has more.
    """
    if evidence.plan.to_come:
        return
    arms: dict[str, set[int]] = {}
    for p in evidence.plan.trials:
        if p.role is Role.FINAL:
            arms.setdefault(p.arm, set()).add(p.trial.seed)
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


def _differing_settings(runs: Sequence[Run], manipulated: tuple[str, ...]) -> Iterator[str]:
    missing = object()
    flat = [_flat(r.record.trial["settings"]) for r in runs]
    for path in sorted(set().union(*flat)):
        if not any(covers(pattern, path) for pattern in manipulated):
            yield from _mixed(runs, f"setting {path}", [f.get(path, missing) for f in flat])


def _mixed_conditions(runs: Sequence[Run], manipulated: tuple[str, ...]) -> Iterator[str]:
    """Hardware, torch, precision and data; the processor counts only where it did the arithmetic."""
    held: dict[str, Callable[[Run], object]] = {
        "device": lambda r: r.record.conditions.device,
        "devices": lambda r: r.record.conditions.devices,
        "torch": lambda r: r.record.conditions.torch,
        "numerics": lambda r: r.record.conditions.numerics,
        "precision": lambda r: r.record.trial.get("precision"),
        "processor": _processor,
    }
    if "dataset" not in manipulated:
        held["data"] = lambda r: r.record.conditions.data
    for name, of in held.items():
        yield from _mixed(runs, name, [of(r) for r in runs])


def _processor(run: Run) -> object:
    on_gpu = run.record.conditions.device is DeviceKind.CUDA
    return run.record.environment.get("gpu" if on_gpu else "cpu")


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
    return "absent" if type(value) is object else repr(value)


def _arms(runs: Sequence[Run]) -> str:
    return ", ".join(sorted({r.arm for r in runs}))


def _keys(runs: Sequence[Run]) -> str:
    return ", ".join(sorted(r.record.key for r in runs)) or "no record yet"


def _listed(seeds: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(seeds)))
