"""Interim looks: seeds are added at n = 3, 5 and 10 only, and every look taken is on record.

`<results>/looks/<experiment>/<n>-<attempt>.json` holds one look, written once and never replaced. The folder
is created before the first trial runs, with a note, since git and many archives drop empty folders. From then
on the experiment is judged by its looks, whoever asks and with whatever code: a forgotten look would turn
patience into chance findings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from harness.contract.errors import BadValue, StoreError
from harness.contract.visible import visible, visible_json
from harness.effects.statistics.significance import LOOKS
from harness.paper.claims import Kind
from harness.paper.papers import claim
from harness.plans.experiment import Evidence, Experiment
from harness.records.files import MALFORMED, read, write_next, write_whole
from harness.records.keys import plain
from harness.records.store import DECLARED, Store
from harness.verdicts.assessment import Assessment, assess
from harness.verdicts.gates import FEWEST
from harness.verdicts.rules import decided


@dataclass(frozen=True)
class Look:
    """The verdicts on an experiment at a declared number of seeds, and when; based on `records`."""

    reproduction: str
    protocol: str
    conditions: Mapping[str, Any]
    n: int
    verdicts: Mapping[str, str]  # headline by claim
    decided: bool
    records: tuple[str, ...]
    time: str

    @property
    def words(self) -> str:
        """`n = 5: directional (size unproven)`."""
        return f"n = {self.n}: {', '.join(dict.fromkeys(self.verdicts.values()))}"


# Called with an experiment, the look just taken, and the experiment that continues from it.
Report = Callable[[Experiment, Look, Experiment | None], None]


def sequential(experiment: Experiment) -> bool:
    """Whether seeds can be added at looks: chance plays a part, and the last look has enough seeds.

    A protocol that declares more of them has a claim that no look could show.
    """
    random = any(claim(name).kind is not Kind.EXACT for name in experiment.reproduction.claims)
    return random and not beyond_looks(experiment)


def beyond_looks(experiment: Experiment) -> bool:
    """Whether the protocol declares more seeds than the last look has."""
    return experiment.protocol.seeds > LOOKS[-1]


def begun(experiment: Experiment, store: Store) -> bool:
    """Whether the experiment is judged by its looks."""
    return sequential(experiment) and _folder(experiment, store).is_dir()


def begin(experiment: Experiment, store: Store) -> None:
    """Records, before a trial runs, that the experiment is judged by its looks from now on."""
    if not sequential(experiment):
        return
    folder = _folder(experiment, store)
    try:
        write_whole(folder / DECLARED, f"seeds are added at {', '.join(map(str, LOOKS))}\n")
    except OSError as error:
        raise _unwritable(folder, error) from error


def settled(experiment: Experiment, store: Store) -> bool:
    """Whether fixed seeds have decided it already: looks would widen its intervals, and find nothing new."""
    fixed = experiment.as_asked(store)
    if begun(experiment, store) or not sequential(experiment):
        return False
    evidence = fixed.evidence(store)
    return evidence.complete and all(map(decided, assess(fixed, evidence, interim=False).verdicts.values()))


def at_look(experiment: Experiment, store: Store) -> Experiment:
    """The experiment with the seeds of its next look: no fewer than were ever requested."""
    if not sequential(experiment):
        return experiment
    asked = experiment.asked(store)
    seeds = next((n for n in LOOKS if n >= asked), None)
    if seeds is None:
        raise BadValue(
            f"--until-decided: {asked} seeds of {experiment.name} were requested before, and no look is "
            f"declared beyond {LOOKS[-1]}; omit the option, or start afresh in another --results-dir"
        )
    return replace(experiment, seeds=seeds)


def check_seeds(experiment: Experiment, store: Store) -> None:
    """BadValue, before hours are spent, if more seeds would be judged at looks and none is declared there."""
    raised = experiment.asked(store) < experiment.seeds and experiment.seeds not in LOOKS
    if raised and (begun(experiment, store) or _follows_result(experiment, store)):
        raise BadValue(
            f"--seeds {experiment.seeds}: {experiment.name} has a result with fewer seeds in {store.root}, "
            f"so it is judged at {', '.join(map(str, LOOKS))} seeds only; give --until-decided, one of these "
            "numbers, or another --results-dir"
        )


def note_earlier(experiment: Experiment, store: Store) -> bool:
    """Begins looks if the experiment adds seeds to a result that could be seen; returns whether it did.

    Raising a fixed number of seeds after its verdict was available is a look, declared or not.
    """
    if begun(experiment, store) or not _follows_result(experiment, store):
        return False
    begin(experiment, store)
    take(experiment.as_asked(store), store)
    return True


def _follows_result(experiment: Experiment, store: Store) -> bool:
    """Whether the experiment adds seeds to ones with a verdict."""
    asked = experiment.asked(store)
    judged = sequential(experiment) and not experiment.protocol.smoke and asked >= FEWEST
    return judged and asked < experiment.seeds and replace(experiment, seeds=asked).evidence(store).complete


def settle(experiments: Iterable[Experiment], store: Store, report: Report) -> list[Experiment]:
    """Takes every complete look; returns the experiments that must run trials before their next look."""
    unfinished = []
    for experiment in experiments:
        current: Experiment | None = experiment
        while current is not None and current.evidence(store).complete:
            current = _go_on(current, store, report)
        unfinished += [current] if current is not None else []
    return unfinished


def _go_on(experiment: Experiment, store: Store, report: Report) -> Experiment | None:
    """Takes the look that is due; returns the experiment at the next one, or None if none is needed."""
    if not sequential(experiment):
        return None
    look = take(experiment, store)
    seeds = next((n for n in LOOKS if n > experiment.seeds), None)
    further = None if look.decided or seeds is None else replace(experiment, seeds=seeds)
    report(experiment, look, further)
    if further is not None:
        further.ask(store)
    return further


def take(experiment: Experiment, store: Store) -> Look:
    """Judges the experiment at its number of seeds and records that, once for the same records."""
    look = _look(assess(experiment, experiment.evidence(store), interim=True))
    same = [old for old in taken(experiment, store) if (old.n, old.records) == (look.n, look.records)]
    return same[-1] if same else _write(look, _folder(experiment, store))


def taken(experiment: Experiment, store: Store) -> list[Look]:
    """The looks on record, oldest first; a damaged one is named in the store's `damaged`."""
    found = (_read(path, store) for path in _folder(experiment, store).glob("*.json"))
    return sorted((look for look in found if look is not None), key=lambda look: (look.time, look.n))


def valid(experiment: Experiment, evidence: Evidence, store: Store) -> list[Look]:
    """The looks whose records are still evidence by today's code."""
    keys = {run.record.key for run in evidence.runs}
    return [look for look in taken(experiment, store) if keys.issuperset(look.records)]


def in_words(looks: Sequence[Look]) -> str:
    """Looks in one line; only the latest of several at the same n."""
    return "; ".join({look.n: look.words for look in looks}.values())


def _look(assessment: Assessment) -> Look:
    experiment, verdicts = assessment.experiment, assessment.verdicts
    return Look(
        reproduction=experiment.reproduction.name,
        protocol=experiment.protocol.name,
        conditions=asdict(experiment.conditions),
        n=experiment.seeds,
        verdicts={name: verdict.headline for name, verdict in verdicts.items()},
        decided=all(map(decided, verdicts.values())),
        records=tuple(sorted(run.record.key for run in assessment.evidence.final())),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _folder(experiment: Experiment, store: Store) -> Path:
    return store.place("looks", experiment.reproduction.name, experiment.protocol.name, experiment.conditions)


def _write(look: Look, folder: Path) -> Look:
    try:
        write_next(folder, str(look.n), json.dumps(plain(asdict(look)), indent=1, ensure_ascii=False))
    except OSError as error:
        raise _unwritable(folder, error) from error
    return look


def _read(path: Path, store: Store) -> Look | None:
    try:
        return msgspec.json.decode(visible_json(read(path)), type=Look)
    except MALFORMED:
        sentence = (
            f"{visible(str(path))} is not a complete look; it is left out, but the experiment is still "
            "judged by looks: delete the file, and the next run --until-decided takes the look again"
        )
        store.leave_out(sentence)
        return None


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"a look cannot be written to {folder}: {error.strerror}; "
        "make it writable or choose another folder with --results-dir"
    )
