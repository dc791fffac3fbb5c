"""Questions that are not claims of the paper: shown after the claims with their results, never judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import reproductions
from harness.forecast import next_runs
from harness.forecast.next_runs import NextRun
from harness.plans.experiment import Reproduction, Table
from harness.records.record import Record
from harness.reporting import run_tables
from harness.reporting.claims import arms
from harness.reporting.claims.attempts import attempts, keys, trial_table, trouble_table
from harness.verdicts.assess import Assessments, most_first
from harness.verdicts.assessment import Assessment

TITLE = "Beyond the paper"
STANDING = "Not a claim of the paper, so never judged."


@dataclass(frozen=True)
class Question:
    """A reproduction without claims, with the evidence of one experiment or with none."""

    reproduction: Reproduction
    assessment: Assessment | None
    records: tuple[Record, ...]  # every attempt of every planned trial
    files: Mapping[int, str]  # names of their files in the store, by the records' `id()`
    next_run: NextRun
    number: int = 1  # among the question's experiments

    @property
    def slug(self) -> str:
        """The name of its section: the question's, numbered from its second experiment on."""
        return self.reproduction.name + (f"-{self.number}" if self.number > 1 else "")

    @property
    def scale(self) -> str:
        """The protocol, the kind of device it ran on, and the precision; empty without evidence."""
        return run_tables.scale(self.assessment) if self.assessment else ""

    @property
    def badges(self) -> tuple[tuple[str, str], ...]:
        """The badges of these runs, each as its kind and its text."""
        if self.assessment is None:
            return (("not-run", "not run"),)
        evidence = self.assessment.evidence
        found = [("smoke", "SMOKE")] * evidence.protocol.smoke or [("reported", "never judged")]
        found += [("invalid", "invalid")] * bool(self.assessment.invalid)
        return tuple(found + [("stand-in", "stand-in data")] * evidence.stand_in)

    @property
    def said(self) -> tuple[str, ...]:
        """Why runs cannot be compared, if they cannot; then where they depart from the paper."""
        if self.assessment is None:
            return ()
        return (*self.assessment.invalid, *run_tables.deviations(self.assessment))

    @property
    def command(self) -> str:
        """The command that runs the same experiment again, or the first one."""
        if self.assessment is None:
            return self.next_run.command
        experiment = self.assessment.experiment
        return next_runs.command(experiment.reproduction, experiment.protocol, experiment.seeds)

    @property
    def progress(self) -> str:
        """How much of the plan has records and what is still to come, or the run to begin with."""
        if self.assessment is None:
            return self.next_run.words
        to_come = self.assessment.evidence.plan.to_come
        return (
            f"{self.stored} planned trials have a record{f'; still to come: {to_come}' if to_come else ''}."
        )

    @property
    def stored(self) -> str:
        """How many of the trials known to be needed have a record: `8 of 206`."""
        if self.assessment is None:
            return "none"
        evidence = self.assessment.evidence
        planned = len(evidence.plan.trials)
        return f"{planned - len(evidence.missing)} of {planned}"

    @cached_property
    def shown(self) -> tuple[Table, ...]:
        """What was found, and what went wrong."""
        if self.assessment is None:
            return ()
        evidence = self.assessment.evidence
        trouble = trouble_table(attempts(evidence, self.records, self.files))
        found = (*self.assessment.finding.tables, trouble)
        return tuple(table for table in found if table)

    @cached_property
    def folded(self) -> tuple[Table, ...]:
        """Every seed, tuning, what the arms change, every trial; for further experiments only the seeds."""
        if self.assessment is None or self.number > 1 + run_tables.MOST_UNFOLDED:
            return ()
        evidence = self.assessment.evidence
        found = [run_tables.seed_table(evidence, keys(self.records, self.files))]
        if self.number == 1:
            tried = trial_table(attempts(evidence, self.records, self.files))
            found += [run_tables.tuning_table(evidence), arms.arms_table(evidence), tried]
        return tuple(table for table in found if table)


def questions(known: Assessments) -> list[Question]:
    """Every question, once per protocol and machine with evidence, or once without any."""
    asked = [r for r in reproductions.every() if not r.claims]
    return [question for reproduction in asked for question in of(reproduction, known)]


def of(reproduction: Reproduction, known: Assessments, protocol: str | None = None) -> Iterator[Question]:
    """The question's experiments, the best evidence first; only those at `protocol` if it is given."""
    named = None if protocol is None else reproduction.protocol(protocol)
    found = known.at_protocol(reproduction, named) if named else known.experiments(reproduction)
    next_run = next_runs.for_question(reproduction, known)
    assessed = most_first(map(known.of, found))
    for number, assessment in enumerate(assessed, 1):
        runs = assessment.evidence.runs
        records = tuple(r for run in runs for r in known.store.attempts(run.record.key))
        yield Question(reproduction, assessment, records, known.store.names(records), next_run, number)
    if not assessed:
        yield Question(reproduction, None, (), {}, next_run)


def named(name: str) -> Reproduction | None:
    """The question of that name, if there is one."""
    return next((r for r in reproductions.every() if r.name == name and not r.claims), None)
