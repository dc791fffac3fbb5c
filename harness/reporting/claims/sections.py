"""A claim as a report sees it, and all of them from a store: the best evidence first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from harness.contract.effect import Effect
from harness.contract.formatting import duration
from harness.contract.progress import SILENT, Tracker, tracked
from harness.data import sources
from harness.effects.statistics.significance import holm, over_looks
from harness.forecast.next_runs import NextRun, Outlook, command, outlook
from harness.paper import papers
from harness.paper.claims import Claim
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.records.record import Record
from harness.records.schema import Cost
from harness.reporting import run_tables
from harness.verdicts.assess import Assessments
from harness.verdicts.assessment import Assessment
from harness.verdicts.gates import at_paper_scale
from harness.verdicts.rules import not_run
from harness.verdicts.verdict import Outcome, Verdict
from reproductions import answering


@dataclass(frozen=True)
class Section:
    """One claim with one experiment's evidence for it, or with none."""

    claim: Claim
    reproduction: Reproduction | None  # None: nothing runs this claim yet
    assessment: Assessment | None  # None: there is no evidence
    records: tuple[Record, ...] = ()  # every attempt of every planned trial, failed and diverged ones too
    stale: tuple[Record, ...] = ()  # made by other code: shown, never used
    files: Mapping[int, str] = field(default_factory=dict)  # names of these records' files, by their `id()`
    outlook: Outlook = field(default_factory=Outlook)
    adjusted_p: float | None = None  # Holm's, over the primary effects of all judged claims of its paper

    @property
    def verdict(self) -> Verdict:
        """The verdict on the claim by this evidence."""
        return self.assessment.verdict(self.claim) if self.assessment else not_run(self.claim)

    @property
    def evidence(self) -> Evidence | None:
        """What was planned and what ran."""
        return self.assessment.evidence if self.assessment else None

    @property
    def finding(self) -> Finding | None:
        """What was estimated."""
        return self.assessment.finding if self.assessment else None

    @property
    def interim(self) -> bool:
        """Whether seeds are added at interim looks, so that intervals are the wider ones for looks."""
        return self.assessment is not None and self.assessment.interim

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """The claim's effects with the intervals that count, the primary one first."""
        return self.assessment.judged(self.claim) if self.assessment else ()

    @property
    def raw_p(self) -> float | None:
        """Student's p of the primary effect, if Holm's adjustment includes it."""
        return None if self.adjusted_p is None else self.effects[0].p_student

    @property
    def runs(self) -> tuple[NextRun, ...]:
        """Runs that would say more."""
        return self.outlook.runs

    @property
    def needs(self) -> str:
        """Why a claim has no verdict at the paper's scale, and the command, data and cost of one."""
        return self.outlook.sentence

    @property
    def examined(self) -> bool:
        """Whether there is anything to show beyond what the claim needs."""
        return self.verdict.outcome is not Outcome.NOT_RUN or bool(self.records or self.stale)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to run and nothing is still to come."""
        return self.evidence is not None and self.evidence.complete

    @property
    def unfinished(self) -> bool:
        """Whether it was begun and is not complete."""
        return self.evidence is not None and not self.complete

    @property
    def smoke(self) -> bool:
        """Whether these runs show only that the code runs."""
        return self.verdict.outcome is Outcome.SMOKE or bool(self.evidence and self.evidence.protocol.smoke)

    @property
    def proxy(self) -> bool:
        """Whether these runs are at a scale other than the paper's."""
        return self.evidence is not None and not at_paper_scale(self.claim, self.evidence.protocol)

    @property
    def made_up(self) -> bool:
        """Whether a procedural stand-in replaced the data."""
        return self.evidence is not None and self.evidence.stand_in

    @property
    def badges(self) -> tuple[tuple[str, str], ...]:
        """The verdict's badge and those that qualify it, each as its kind and its text."""
        verdict = self.verdict
        headline = verdict.headline.replace("smoke", "SMOKE")
        found = [(str(verdict.outcome).replace(" ", "-"), headline)]
        if self.smoke and verdict.outcome is not Outcome.SMOKE:
            found.append(("smoke", "SMOKE"))
        if self.made_up:
            found.append(("stand-in", "stand-in data"))
        return tuple(found)

    @property
    def deviations(self) -> tuple[str, ...]:
        """Where what was run departs from the paper."""
        return run_tables.deviations(self.assessment) if self.assessment else ()

    @property
    def command(self) -> str:
        """The command that runs the same experiment again."""
        if self.assessment is None:
            return ""
        experiment = self.assessment.experiment
        seeds = None if self.interim else experiment.seeds
        found = command(experiment.reproduction, experiment.protocol, seeds)
        return f"{found} --until-decided" if self.interim else found

    @property
    def cheapest(self) -> NextRun | None:
        """The cheapest run that would say more, at another scale than the paper's."""
        return next((run for run in self.runs if not run.paper), None)

    @property
    def at_paper_scale(self) -> NextRun | None:
        """The run that would give a verdict at the paper's scale."""
        return next((run for run in self.runs if run.paper), None)

    @property
    def next_command(self) -> str:
        """The command to run next: one that tells more, or the same again."""
        first = self.runs[0].command if self.runs else self.command
        return first or f"./repro.py explain {self.claim.id}"

    @property
    def scale(self) -> str:
        """The protocol, the kind of device it ran on, and the precision."""
        return run_tables.scale(self.assessment) if self.assessment else ""

    @property
    def progress(self) -> str:
        """How much of the plan has records, what it cost, and what is still to come."""
        if self.evidence is None or not self.evidence.plan.trials:
            return ""
        missing, planned = len(self.evidence.missing), len(self.evidence.plan.trials)
        seconds = sum(r.cost.get(Cost.SECONDS, 0.0) for r in self.records)
        parts = [f"{planned - missing} of {planned} planned trials have a record"]
        if seconds:
            parts.append(f"{duration(seconds)} of trials, by the clock")
        if self.evidence.plan.to_come:
            parts.append(f"still to come: {self.evidence.plan.to_come}")
        return "; ".join(parts) + "."


def sections(known: Assessments, tracker: Tracker = SILENT) -> list[Section]:
    """One section per claim, plus one for each further protocol or machine with evidence."""
    claims = tracked(papers.claims(), "judging claims", tracker)
    return adjusted([section for claim in claims for section in of_claim(claim, known)])


def of_claim(claim: Claim, known: Assessments) -> Iterator[Section]:
    """The claim's sections, the best evidence first."""
    reproduction = answering(claim.id)
    found = known.of_claim(claim, reproduction) if reproduction else []
    for number, assessment in enumerate(found):
        yield _section(claim, assessment, known, leading=not number)
    if not found:
        stale = tuple(old for old, _ in known.own_stale(reproduction)) if reproduction else ()
        files, further = known.store.names(stale), outlook(claim, reproduction, known, None)
        yield Section(claim, reproduction, None, (), stale, files, further)


def _section(claim: Claim, assessment: Assessment, known: Assessments, leading: bool) -> Section:
    """The claim's section; the first shows the stale records of all its protocols and machines."""
    reproduction, evidence = assessment.experiment.reproduction, assessment.evidence
    attempts = tuple(r for run in evidence.runs for r in known.store.attempts(run.record.key))
    shown = leading and not evidence.protocol.smoke
    stale = tuple(old for old, _ in known.own_stale(reproduction)) if shown else ()
    files = known.store.names((*attempts, *stale))
    further = outlook(claim, reproduction, known, assessment)
    return Section(claim, reproduction, assessment, attempts, stale, files, further)


def adjusted(found: Sequence[Section]) -> list[Section]:
    """The sections with Holm's p-values, from Student's of the primary effects of judged claims.

    Where seeds were added at looks, the p-value is first adjusted for these. An experiment enters only once
    it is complete. A paper's claims are one family: claims of another paper, from a package, change none of
    its values.
    """
    judged = {s.claim.id: s for s in leading(found) if s.verdict.outcome.judged and s.effects and s.complete}
    families: dict[str, dict[str, float]] = {}
    for name, section in judged.items():
        if (p := section.effects[0].p_student) is not None:
            family = families.setdefault(papers.another(section.claim), {})
            family[name] = over_looks(p) if section.interim else p
    by_claim = {name: p for family in families.values() for name, p in holm(family).items()}
    return [
        replace(s, adjusted_p=by_claim.get(s.claim.id) if judged.get(s.claim.id) is s else None)
        for s in found
    ]


def leading(found: Sequence[Section]) -> list[Section]:
    """The first section of each claim: the one with its best evidence."""
    first: dict[str, Section] = {}
    for section in found:
        first.setdefault(section.claim.id, section)
    return list(first.values())


def notices(found: Sequence[Section]) -> list[str]:
    """What must stand at the top of every page."""
    return [sources.STAND_IN_NOTICE] if any(section.made_up for section in found) else []
