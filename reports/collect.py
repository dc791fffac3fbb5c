"""From the store to sections: for every claim of the catalogue, its best evidence, estimate and verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from weakref import WeakKeyDictionary

from rich.console import Console

import reproductions
from harness import environment, looks
from harness.catalogue import CLAIMS
from harness.claims import Claim, Outcome
from harness.data import sources
from harness.experiments import Evidence, Protocol, Reproduction, Role
from harness.judgement import Judgement
from harness.runner import Job
from harness.store import Store
from harness.trials import Conditions, Record, Trial, canonical
from harness.verdicts import FEWEST, judge
from reports import needs
from reports.section import Section
from reports.waiting import told
from reports.ways import Way, sentence


def sections(store: Store, console: Console | None = None) -> list[Section]:
    """One section for each claim, and one more for each further protocol or machine with evidence.

    How far it has come is told on `console`, if there is one.
    """
    claims = told(CLAIMS, "judging", console)
    return [section for claim in claims for section in of_claim(claim, store)]


def notices(found: list[Section]) -> list[str]:
    """What must stand at the top of every page."""
    runs = [run for section in found if section.evidence for run in section.evidence.runs]
    made_up = any(run.record.conditions["data"] == sources.STAND_IN for run in runs)
    return [sources.STAND_IN_NOTICE] if made_up else []


def jobs(reproduction: Reproduction, store: Store) -> list[Job]:
    """Every protocol and machine of which the store has any part, the protocol that can judge first."""
    protocols = sorted(reproduction.protocols, key=lambda p: p.smoke)
    found = [job for protocol in protocols for job in at_protocol(reproduction, protocol, store)]
    return [job for job in found if not job.protocol.smoke] or found


def at_protocol(reproduction: Reproduction, protocol: Protocol, store: Store) -> list[Job]:
    """The protocol on every machine of which the store has any part; once if there is nothing to run."""
    here = Conditions("cpu", environment.torch_version(), "none")
    counted = Job(reproduction, protocol, protocol.seeds, here)
    if protocol.dataset is None and not counted.evidence(store).plan.trials:
        return [counted]
    candidates = under_every_condition(reproduction, protocol, store)
    return [job for job in candidates if begun(job, store)]


def begun(job: Job, store: Store) -> bool:
    """Whether the experiment was: trials that it merely shares with others are no evidence of its own."""
    evidence = evidence_of(job, store)
    own = {(p.role, p.arm) for p in evidence.plan.trials if p.role is not Role.TRAINING}
    asked = store.asked(job.reproduction.name, job.protocol.name, job.conditions)
    return bool(evidence.runs) and (
        asked > 0 or (bool(own) and own <= {(r.planned.role, r.arm) for r in evidence.runs})
    )


def reproduction_of(claim: Claim) -> Reproduction | None:
    """The reproduction that answers the claim, if one is written."""
    return next((r for r in reproductions.every() if claim.id in r.claims), None)


def of_claim(claim: Claim, store: Store) -> Iterator[Section]:
    """The claim's sections, the best evidence first."""
    reproduction = reproduction_of(claim)
    found = best_first(claim, jobs(reproduction, store), store) if reproduction else []
    for judged in found:
        yield _section(claim, judged, store)
    if not found:
        old = stale(reproduction, store) if reproduction else ()
        why, ways = standing(claim, reproduction, store, None)
        said, verdict = sentence(why, ways), judge(claim, None, None)
        yield Section(claim, verdict, reproduction, None, None, (), old, said, False, why, ways)


def best_first(claim: Claim, found: Sequence[Job], store: Store) -> list[Judgement]:
    """What each job says, the one that says most of the claim first, whichever way it points."""
    judged = [looks.judged(job, store) for job in found]
    return sorted(judged, key=lambda one: _rank(claim, one))


def _rank(claim: Claim, judged: Judgement) -> tuple[bool, ...]:
    """Whole before unfinished, sound before invalid, the paper's scale before others, enough seeds first."""
    case, verdict = judged.case(claim), judged.verdict(claim)
    return (
        judged.evidence.protocol.smoke or verdict.outcome is Outcome.SMOKE,
        bool(judged.evidence.missing or judged.evidence.plan.to_come),
        verdict.outcome in (Outcome.INVALID, Outcome.NOT_RUN),
        not case.at_paper_scale,
        case.seeds < FEWEST,
    )


def _section(claim: Claim, judged: Judgement, store: Store) -> Section:
    reproduction, smoke = judged.job.reproduction, judged.evidence.protocol.smoke
    attempts = tuple(r for run in judged.evidence.runs for r in store.attempts(run.record.key))
    why, ways = standing(claim, reproduction, store, judged)
    return Section(
        claim,
        judged.verdict(claim),
        reproduction,
        judged.evidence,
        judged.finding,
        attempts,
        () if smoke else stale(reproduction, store),
        sentence(why, ways),
        judged.looks,
        why,
        ways,
    )


def standing(
    claim: Claim, reproduction: Reproduction | None, store: Store, best: Judgement | None
) -> tuple[str, tuple[Way, ...]]:
    """Why there is no verdict at the paper's scale, and the runs that would say more."""
    old = len(stale(reproduction, store)) if reproduction and best is None else 0
    found = needs.ways(claim, reproduction, store, best) if reproduction else ()
    return needs.reason(claim, reproduction, best, old), found


def under_every_condition(reproduction: Reproduction, protocol: Protocol, store: Store) -> list[Job]:
    """The protocol as a job under each of the conditions that the store has records of."""
    data = ("stand-in:", f"{protocol.dataset}:") if protocol.dataset else ("none",)
    return [
        Job(reproduction, protocol, store.asked(reproduction.name, protocol.name, c) or protocol.seeds, c)
        for c in store.conditions()
        if c.data.startswith(data)
    ]


# Keys cost time, and a report asks for the same evidence again and again: of a store, by experiment.
_EVIDENCE: WeakKeyDictionary[Store, dict[object, Evidence]] = WeakKeyDictionary()


def evidence_of(job: Job, store: Store) -> Evidence:
    """The job's evidence, gathered once for as long as the store has the same records."""
    known = _EVIDENCE.setdefault(store, {})
    name = id(job.reproduction.plan), job.protocol.name, job.seeds, job.conditions, len(store.records)
    if name not in known:
        known[name] = job.evidence(store)
    return known[name]


def stale(reproduction: Reproduction, store: Store) -> tuple[Record, ...]:
    """Records of trials that the reproduction plans, made by code that meant something else."""
    return tuple(record for record, _ in stale_with_trials(reproduction, store))


def stale_with_trials(reproduction: Reproduction, store: Store) -> list[tuple[Record, Trial]]:
    """The same, each with the trial as it is planned today."""
    fresh: set[str] = set()
    planned: dict[str, Trial] = {}
    for protocol in reproduction.protocols:
        for job in under_every_condition(reproduction, protocol, store):
            evidence = evidence_of(job, store)
            fresh |= {run.record.key for run in evidence.runs}
            planned |= {canonical(p.trial): p.trial for p in evidence.plan.trials}
    old = [(r, planned.get(canonical(r.trial))) for r in store.records if r.key not in fresh]
    return [(record, trial) for record, trial in old if trial is not None]
