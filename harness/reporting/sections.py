"""From the store to sections: for every claim of the catalogue, its best evidence, estimate and verdict."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.progress import SILENT, Tracker, tracked
from harness.data import sources
from harness.forecast import next_runs
from harness.forecast.ways import Way, sentence
from harness.paper.catalogue import CLAIMS
from harness.paper.claims import Claim
from harness.plans.experiment import Reproduction
from harness.records.store import Store
from harness.reporting.section import Section
from harness.verdicts.assess import (
    best_first,
    jobs,
    stale,
)
from harness.verdicts.assessment import Judgement
from harness.verdicts.rules import judge
from reproductions import answering


def sections(store: Store, tracker: Tracker = SILENT) -> list[Section]:
    """One section for each claim, and one more for each further protocol or machine with evidence."""
    claims = tracked(CLAIMS, "judging claims", tracker)
    return [section for claim in claims for section in of_claim(claim, store)]


def notices(found: list[Section]) -> list[str]:
    """What must stand at the top of every page."""
    runs = [run for section in found if section.evidence for run in section.evidence.runs]
    made_up = any(run.record.conditions["data"] == sources.STAND_IN for run in runs)
    return [sources.STAND_IN_NOTICE] if made_up else []


def of_claim(claim: Claim, store: Store) -> Iterator[Section]:
    """The claim's sections, the best evidence first."""
    reproduction = answering(claim.id)
    found = best_first(claim, jobs(reproduction, store), store) if reproduction else []
    for judged in found:
        yield _section(claim, judged, store)
    if not found:
        old = stale(reproduction, store) if reproduction else ()
        why, ways = standing(claim, reproduction, store, None)
        said, verdict = sentence(why, ways), judge(claim, None, None)
        yield Section(claim, verdict, reproduction, None, None, (), old, said, False, why, ways)


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
    found = next_runs.ways(claim, reproduction, store, best) if reproduction else ()
    return next_runs.reason(claim, reproduction, best, old), found
