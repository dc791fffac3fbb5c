"""Sequential looks: seeds are added at n = 3, 5 and 10 only, and every look that was taken is on record.

`<results>/looks/<experiment>/<n>-<attempt>.json` holds one look, written once and never replaced. The folder
is made before the first trial runs, and from then on the experiment is judged by its looks, whoever asks and
whatever code: to forget that somebody looked would make chance findings out of patience.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from harness.contract.errors import BadValue, StoreError
from harness.effects.intervals import LOOKS
from harness.engines.runner import missing
from harness.paper.catalogue import claim
from harness.paper.claims import Kind
from harness.plans.experiment import Job
from harness.records.files import write_next
from harness.records.keys import plain
from harness.records.store import Store
from harness.verdicts.assessment import Judgement, judgement
from harness.verdicts.rules import FEWEST, decided


@dataclass(frozen=True)
class Look:
    """What was seen of an experiment at a declared number of seeds, and when; it rests on `records`."""

    reproduction: str
    protocol: str
    conditions: Mapping[str, str]
    n: int
    verdicts: Mapping[str, str]  # headline by claim
    decided: bool
    records: tuple[str, ...]
    time: str

    @property
    def words(self) -> str:
        """`n = 5: directional (size unproven)`."""
        return f"n = {self.n}: {', '.join(dict.fromkeys(self.verdicts.values()))}"


Tell = Callable[[Job, Look, Job | None], None]  # the look just taken, and the job that goes on from it


def sequential(job: Job) -> bool:
    """Whether chance has a part in any of the job's claims, so that more seeds may be worth having."""
    return any(claim(name).kind is not Kind.EXACT for name in job.reproduction.claims)


def begun(job: Job, store: Store) -> bool:
    """Whether the experiment is judged by its looks."""
    return _folder(job, store).is_dir()


def begin(job: Job, store: Store) -> None:
    """Notes, before a trial runs, that the experiment is judged by its looks from now on."""
    if not sequential(job):
        return
    try:
        _folder(job, store).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(_folder(job, store), error) from error


def at_look(job: Job, store: Store) -> Job:
    """The job with the seeds of its next look: no fewer than it was ever asked for."""
    if not sequential(job):
        return job
    asked = store.asked(job.reproduction.name, job.protocol.name, job.conditions)
    seeds = next((n for n in LOOKS if n >= asked), None)
    if seeds is None:
        raise BadValue(
            f"--until-decided: {job.reproduction.name} at {job.protocol.name} was asked for {asked} seeds "
            f"before, and no look is declared beyond {LOOKS[-1]}; leave the option out, or begin anew in "
            "another --results-dir"
        )
    return replace(job, seeds=seeds)


def note_earlier(job: Job, store: Store) -> bool:
    """Begins looks where the job adds seeds to a result that could be seen; whether it did.

    A fixed number of seeds that is raised after its verdict was there is a look, declared or not.
    """
    asked = store.asked(job.reproduction.name, job.protocol.name, job.conditions)
    seen = replace(job, seeds=asked)
    fixed = job.protocol.smoke or not sequential(job) or begun(job, store)
    if fixed or not FEWEST <= asked < job.seeds or not complete(seen, store):
        return False
    begin(job, store)
    take(seen, store)
    return True


def complete(job: Job, store: Store) -> bool:
    """Whether every trial up to the job's number of seeds has a record that holds."""
    return not missing(job, store) and not job.evidence(store).plan.to_come


def settle(jobs: Iterable[Job], store: Store, tell: Tell) -> list[Job]:
    """Takes every look that is complete; the jobs that must run trials before their next look."""
    waiting = []
    for job in jobs:
        current: Job | None = job
        while current is not None and complete(current, store):
            current = _go_on(current, store, tell)
        waiting += [current] if current is not None else []
    return waiting


def _go_on(job: Job, store: Store, tell: Tell) -> Job | None:
    """Takes the look that is due; the job at the next one, or None where this was the last that is needed."""
    if not sequential(job):
        return None
    look = take(job, store)
    seeds = next((n for n in LOOKS if n > job.seeds), None)
    further = None if look.decided or seeds is None else replace(job, seeds=seeds)
    tell(job, look, further)
    if further is not None:
        store.ask(job.reproduction.name, job.protocol.name, job.conditions, further.seeds)
    return further


def take(job: Job, store: Store) -> Look:
    """Judges the experiment at its number of seeds and records that; a look at the same records only once."""
    look = _look(judgement(job, store, looks=True))
    same = [old for old in taken(job, store) if (old.n, old.records) == (look.n, look.records)]
    return same[-1] if same else _write(look, _folder(job, store))


def judged(job: Job, store: Store) -> Judgement:
    """What the store says of the job, by its looks where it has begun any."""
    return judgement(job, store, begun(job, store))


def taken(job: Job, store: Store) -> list[Look]:
    """The looks on record, oldest first; of a damaged one the store's `damaged` tells."""
    found = (_read(path, store) for path in _folder(job, store).glob("*.json"))
    return sorted((look for look in found if look is not None), key=lambda look: (look.time, look.n))


def standing(job: Job, store: Store) -> list[Look]:
    """The looks that rest on records which today's code still stands for."""
    keys = {run.record.key for run in job.evidence(store).runs}
    return [look for look in taken(job, store) if keys.issuperset(look.records)]


def _look(judged: Judgement) -> Look:
    job, verdicts = judged.job, judged.verdicts
    return Look(
        reproduction=job.reproduction.name,
        protocol=job.protocol.name,
        conditions=asdict(job.conditions),
        n=job.seeds,
        verdicts={verdict.claim: verdict.headline for verdict in verdicts},
        decided=all(map(decided, verdicts)),
        records=tuple(sorted(run.record.key for run in judged.evidence.final())),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _folder(job: Job, store: Store) -> Path:
    return store.place("looks", job.reproduction.name, job.protocol.name, job.conditions)


def _write(look: Look, folder: Path) -> Look:
    try:
        write_next(folder, str(look.n), json.dumps(plain(asdict(look)), indent=1, ensure_ascii=False))
    except OSError as error:
        raise _unwritable(folder, error) from error
    return look


def _read(path: Path, store: Store) -> Look | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Look(**{**content, "records": tuple(content["records"])})
    except (OSError, ValueError, KeyError, TypeError):
        sentence = (
            f"{path} is not a whole look; it is left out, and the experiment is judged by looks all the "
            "same: delete the file, and the next run --until-decided takes the look again"
        )
        store.damaged += [sentence] if sentence not in store.damaged else []
        return None


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"a look cannot be written to {folder}: {error.strerror}; "
        "make it writable or name another folder with --results-dir"
    )


def in_words(looks: Sequence[Look]) -> str:
    """Looks in one line; of several at the same n, the latest."""
    return "; ".join({look.n: look.words for look in looks}.values())
