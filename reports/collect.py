"""From the store to sections: for every claim of the catalogue, its best evidence, estimate and verdict."""

from __future__ import annotations

from collections.abc import Iterator

import reproductions
from harness import environment, looks
from harness.catalogue import CLAIMS
from harness.claims import Claim
from harness.data import sources
from harness.experiments import Protocol, Reproduction
from harness.jobs import choose_protocol
from harness.runner import Job
from harness.store import Store
from harness.trials import Conditions, Record, Trial, canonical
from harness.verdicts import judge
from reports.build import Section


def sections(store: Store) -> list[Section]:
    """One section for each claim, and one more for each further protocol or machine with evidence."""
    return [section for claim in CLAIMS for section in of_claim(claim, store)]


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
    return [job for job in candidates if job.evidence(store).runs]


def reproduction_of(claim: Claim) -> Reproduction | None:
    """The reproduction that answers the claim, if one is written."""
    return next((r for r in reproductions.every() if claim.id in r.claims), None)


def of_claim(claim: Claim, store: Store) -> Iterator[Section]:
    """The claim's sections, the best evidence first."""
    reproduction = reproduction_of(claim)
    if reproduction is None:
        yield Section(
            claim, judge(claim, None, None), None, None, None, needs="No reproduction is written yet."
        )
        return
    found = jobs(reproduction, store)
    for job in found:
        yield _section(claim, job, store)
    if not found:
        verdict, needs = judge(claim, None, None), needed(reproduction, store)
        yield Section(claim, verdict, reproduction, None, None, stale=stale(reproduction, store), needs=needs)


def _section(claim: Claim, job: Job, store: Store) -> Section:
    judged, reproduction = looks.judged(job, store), job.reproduction
    attempts = tuple(r for run in judged.evidence.runs for r in store.attempts(run.record.key))
    old = () if job.protocol.smoke else stale(reproduction, store)
    needs = needed(reproduction, store) if job.protocol.smoke else ""
    return Section(
        claim,
        judged.verdict(claim),
        reproduction,
        judged.evidence,
        judged.finding,
        attempts,
        old,
        needs,
        judged.looks,
    )


def under_every_condition(reproduction: Reproduction, protocol: Protocol, store: Store) -> list[Job]:
    """The protocol as a job under each of the conditions that the store has records of."""
    return [
        Job(reproduction, protocol, store.asked(reproduction.name, protocol.name, c) or protocol.seeds, c)
        for c in store.conditions()
    ]


def stale(reproduction: Reproduction, store: Store) -> tuple[Record, ...]:
    """Records of trials that the reproduction plans, made by code that meant something else."""
    return tuple(record for record, _ in stale_with_trials(reproduction, store))


def stale_with_trials(reproduction: Reproduction, store: Store) -> list[tuple[Record, Trial]]:
    """The same, each with the trial as it is planned today."""
    fresh: set[str] = set()
    planned: dict[str, Trial] = {}
    for protocol in reproduction.protocols:
        for job in under_every_condition(reproduction, protocol, store):
            evidence = job.evidence(store)
            fresh |= {run.record.key for run in evidence.runs}
            planned |= {canonical(p.trial): p.trial for p in evidence.plan.trials}
    old = [(r, planned.get(canonical(r.trial))) for r in store.records if r.key not in fresh]
    return [(record, trial) for record, trial in old if trial is not None]


def needed(reproduction: Reproduction, store: Store) -> str:
    """What would give a verdict: the command, the data, and the cost as far as it is known."""
    protocol = choose_protocol(reproduction, None)
    command = f"./repro.py run {reproduction.name} --protocol {protocol.name}"
    data = f" on {protocol.dataset}" if protocol.dataset else ""
    if protocol.smoke:
        return f"Only a smoke protocol exists: {command}{data}."
    return f"{protocol.seeds} seeds an arm{data}: {command} --dry-run tells the cost."
