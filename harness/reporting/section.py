"""A claim as the report sees it: its evidence at one scale, what was found, and what would say more."""

from __future__ import annotations

from dataclasses import dataclass

from harness.contract.effect import Effect
from harness.forecast.ways import Way
from harness.paper.claims import Claim
from harness.plans.experiment import Evidence, Finding, Reproduction
from harness.records.record import Record
from harness.reporting import wording
from harness.reporting.figures import choice
from harness.verdicts.verdict import Outcome, Verdict

AUDIT = "better than the paper: audit"


@dataclass(frozen=True)
class Section:
    """One claim as the report sees it."""

    claim: Claim
    verdict: Verdict
    reproduction: Reproduction | None  # None: nothing runs this claim yet
    evidence: Evidence | None
    finding: Finding | None
    records: tuple[Record, ...] = ()  # every attempt of every planned trial, failed and diverged ones too
    stale: tuple[Record, ...] = ()  # made by other code: shown, never used
    needs: str = ""  # for a claim without a verdict: why, and the command, data and cost that would give one
    looks: bool = False  # seeds were added at the declared looks
    why: str = ""  # there is no verdict at the paper's scale
    ways: tuple[Way, ...] = ()  # runs that would say more

    @property
    def examined(self) -> bool:
        """Whether there is anything to show beyond what the claim needs."""
        return self.verdict.outcome is not Outcome.NOT_RUN or bool(self.records or self.stale)

    @property
    def smoke(self) -> bool:
        """Whether these runs show only that the code runs."""
        return self.verdict.outcome is Outcome.SMOKE or bool(self.evidence and self.evidence.protocol.smoke)

    @property
    def made_up(self) -> bool:
        """Whether a procedural stand-in took the place of the data."""
        return choice.stand_in(self.evidence)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """The claim's effects, the primary one first."""
        return self.finding.effects.get(self.claim.id, ()) if self.finding else ()

    @property
    def badges(self) -> tuple[tuple[str, str], ...]:
        """The verdict's badge and those that qualify it, each as its kind and its words."""
        verdict = self.verdict
        headline = verdict.headline.replace("smoke", "SMOKE")
        found = [(str(verdict.outcome).replace(" ", "-"), headline)]
        found += [("smoke", "SMOKE")] * (self.smoke and verdict.outcome is not Outcome.SMOKE)
        found += [("stand-in", "stand-in data")] * self.made_up
        return tuple(found + [("audit", AUDIT)] * verdict.audit)

    @property
    def deviations(self) -> tuple[str, ...]:
        """Where what was run departs from the paper."""
        declared = self.evidence.protocol.deviations if self.evidence else ()
        return tuple(dict.fromkeys((*declared, *(self.finding.deviations if self.finding else ()))))

    @property
    def command(self) -> str:
        """What to type to run the same again."""
        if self.reproduction is None or self.evidence is None:
            return ""
        protocol, seeds = self.evidence.protocol, self.evidence.seeds
        more = f" --seeds {seeds}" if seeds != protocol.seeds else ""
        more = " --until-decided" if self.looks else more
        return f"./repro.py run {self.reproduction.name} --protocol {protocol.name}{more}"

    @property
    def cheapest(self) -> Way | None:
        """The cheapest run that would say more, at another scale than the paper's."""
        return next((way for way in self.ways if not way.paper), None)

    @property
    def at_paper_scale(self) -> Way | None:
        """The run that would give a verdict at the paper's scale."""
        return next((way for way in self.ways if way.paper), None)

    @property
    def next_command(self) -> str:
        """What to type: to learn more, or to see the same again."""
        first = self.ways[0].command if self.ways else self.command
        return first or f"./repro.py explain {self.claim.id}"

    @property
    def scale(self) -> str:
        """The protocol and the kind of device it ran on."""
        runs = self.evidence.runs if self.evidence else ()
        devices = sorted({str(r.record.conditions.device) for r in runs})
        return " on ".join([self.verdict.protocol, *devices]) if self.verdict.protocol else ""

    @property
    def progress(self) -> str:
        """How much of the plan has a record, what it cost, and what is still to come."""
        if self.evidence is None or not self.evidence.plan.trials:
            return ""
        missing, planned = len(self.evidence.missing), len(self.evidence.plan.trials)
        seconds = sum(r.cost.get("seconds", 0.0) for r in self.records)
        parts = [f"{planned - missing} of {planned} planned trials have a record"]
        parts += [f"{wording.duration(seconds)} of computing"] * bool(seconds)
        parts += [f"still to come: {self.evidence.plan.to_come}"] * bool(self.evidence.plan.to_come)
        return "; ".join(parts) + "."
