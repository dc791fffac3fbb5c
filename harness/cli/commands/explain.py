"""`repro explain`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Console

import reproductions
from harness.cli.terminal.tables import WARNING, grid, print_json, say
from harness.contract.errors import BadValue
from harness.contract.formatting import limits, number
from harness.effects.statistics.significance import LOOKS
from harness.forecast.next_runs import Outlook
from harness.paper import papers
from harness.paper.claims import Claim, Kind, null_name
from harness.plans.experiment import Table
from harness.records.store import Store
from harness.reporting import effect_tables, run_tables, tables, wording
from harness.reporting.claims import beyond, phrases, replication
from harness.reporting.claims.beyond import Question
from harness.reporting.claims.sections import Section
from harness.reporting.explanation import (
    Chain,
    GateAnswer,
    answers,
    as_data,
    chain,
    chosen,
    origin,
)
from harness.reporting.front import overview
from harness.verdicts import sequential
from harness.verdicts.assess import Assessments
from harness.verdicts.assessment import Assessment
from harness.verdicts.gates import at_paper_scale
from harness.verdicts.verdict import MEANINGS, Outcome, Verdict


def show(name: str, protocol: str | None, store: Store, as_json: bool, console: Console) -> None:
    """Prints the chain; UnknownName, with the nearest names, if there is no such claim or protocol."""
    asked = beyond.named(name)
    if asked is not None:
        question = next(beyond.of(asked, Assessments(store), protocol))
        data, parts = _question_data(question), _question(question)
    else:
        found = chain(papers.claim(_claim(name)), protocol, store)
        data, parts = as_data(found), _parts(found, store)
    if as_json:
        print_json(data)
        return
    for title, body in parts:
        console.print(title, style="bold", markup=False, highlight=False)
        for line in body:
            said = line if isinstance(line, str) else grid(line.columns, tables.cells(line), console.width)
            console.print(said, markup=False, highlight=False)
        console.print()
    for sentence in store.left_out():
        say(console, sentence, WARNING)


def _claim(name: str) -> str:
    """The claim, or the one that the reproduction of this name answers; BadValue if it answers several."""
    found = [r.claims for r in reproductions.every() if r.name == name and name not in r.claims]
    if not found:
        return name
    if len(found[0]) > 1:
        raise BadValue(f"{name} answers the claims {', '.join(found[0])}: name one of them")
    return found[0][0]


def _question(asked: Question) -> Iterator[tuple[str, list[str | Table]]]:
    """The question, and what was measured."""
    yield f"{asked.reproduction.name}: beyond the paper", [f"{wording.opened(asked.reproduction.question)}."]
    yield (
        "Standing",
        [beyond.STANDING, ", ".join(words for _, words in asked.badges), asked.progress, *asked.said],
    )
    for table in asked.shown:
        yield table.title, [table, *table.note.splitlines()]


def _question_data(asked: Question) -> dict[str, Any]:
    return {
        "question": asked.reproduction.question,
        "reproduction": asked.reproduction.name,
        "standing": [beyond.STANDING, *(words for _, words in asked.badges)],
        "protocol": asked.assessment.experiment.protocol.name if asked.assessment else None,
        "deviations": asked.said,
        "progress": asked.progress,
        "tables": [asdict(table) for table in asked.shown],
        "command": asked.command,
    }


def _parts(found: Chain, store: Store) -> Iterator[tuple[str, list[str | Table]]]:
    """The finding, then the links of the chain: titles with lines and tables."""
    yield f"{found.claim.id}: {_headline(found.verdict)}", [_finding(found)]
    yield from _declared(found.claim, replication.own_uncertainty(found.claim, found.assessment))
    if found.assessment is None:
        yield "Evidence", [found.needs]
    else:
        yield from _experiment(found, found.assessment)
        yield from _measured(found, found.assessment)
        yield "Gates, in this order", [_gate_table(answers(found.assessment.case(found.claim)))]
    yield "Verdict", [*_verdict(found)]
    panel = replication.panel(found.claim, found.assessment)
    if panel:
        yield panel.title, [panel, panel.note]
    if found.assessment is not None and found.needs:
        here = [f"To continue what is stored here, append{store.option}"] if store.option else []
        yield "Next experiments", [found.needs, *here]


def _finding(found: Chain) -> str:
    """The plain sentence with which a report opens the claim."""
    runs = found.assessment.evidence.runs if found.assessment else ()
    records, none = tuple(run.record for run in runs), Outlook("no evidence yet")
    return phrases.finding(Section(found.claim, found.reproduction, found.assessment, records, outlook=none))


def _declared(claim: Claim, spread: str) -> Iterator[tuple[str, list[str | Table]]]:
    said: list[str | Table] = [f"{wording.opened(claim.statement)}.", f"figure: {claim.figure}"]
    if claim.log_2012:
        said.append(f"the authors' run log: {claim.log_2012}")
    if spread:
        said.append(f"own uncertainty: {spread}")
    yield f"The paper, {overview.place(claim)}", said
    lines: list[str | Table] = [f"estimand: {claim.estimand}", f"direction: {_direction(claim)}"]
    for metric in claim.metrics:
        band = f"{limits(metric.band, metric.unit)}; " if metric.band else ""
        one = len(claim.metrics) > 1 and claim.kind is not Kind.EXACT
        primary = " (primary)" if one and metric is claim.primary else ""
        lines.append(f"band, {metric.name}{primary}: {band}{origin(metric)}")
    scale = f"the paper's scale is protocol {claim.paper_scale}" if claim.paper_scale else "at any scale"
    yield "Declared in advance", [*lines, f"conditions: {claim.conditions}; {scale}"]


def _direction(claim: Claim) -> str:
    if claim.null is None:
        return (
            "none claimed: a level is compared with its band" if claim.kind is Kind.LEVEL else "none claimed"
        )
    side = f"the paper's effect is {claim.side} it" if claim.side else "no side is claimed"
    return f"{null_name(claim) if claim.requires else f'no effect is {number(claim.null)}'}; {side}"


def _experiment(found: Chain, assessment: Assessment) -> Iterator[tuple[str, list[str | Table]]]:
    experiment = assessment.experiment
    protocol, where = experiment.protocol, experiment.conditions
    lines: list[str | Table] = [f"protocol {protocol.name}: {protocol.summary}"]
    lines += [f"deviation: {d}" for d in run_tables.deviations(assessment)]
    if assessment.evidence.plan.trials:
        ran = f"on {where.device}, {where.precision}, torch {where.torch}"
        data = f", data {where.data}" if where.data else ""
        lines.append(f"{ran}{data}; {_seeds(assessment)}")
    if assessment.interim:
        taken = sequential.in_words(found.looks) or "none yet"
        lines.append(f"seeds are added at looks ({', '.join(map(str, LOOKS))}); taken: {taken}")
    lines += [f"there is also evidence from {other}" for other in found.others]
    yield f"Experiment {experiment.reproduction.name}", lines
    tuning = run_tables.tuning_table(assessment.evidence)
    if tuning:
        yield (
            "Tuning",
            [*(f"{arm}: {rate}" for arm, rate in chosen(assessment.evidence).items()), tuning, tuning.note],
        )


def _seeds(assessment: Assessment) -> str:
    """`5 seeds an arm`; from how many to how many if the baseline has more."""
    counts = sorted(set(map(len, assessment.evidence.plan.seeds.values())) or {assessment.experiment.seeds})
    return f"{' to '.join(map(str, dict.fromkeys((counts[0], counts[-1]))))} seeds an arm"


def _measured(found: Chain, assessment: Assessment) -> Iterator[tuple[str, list[str | Table]]]:
    if assessment.evidence.protocol.smoke:
        return  # its numbers mean nothing
    seeds = run_tables.seed_table(assessment.evidence)
    if seeds:
        yield seeds.title, [seeds, *seeds.note.splitlines()]
    effects = assessment.judged(found.claim)
    if effects:
        proxy = not at_paper_scale(found.claim, assessment.evidence.protocol)
        table = effect_tables.effect_table(found.claim, effects, proxy=proxy, interim=assessment.interim)
        yield "Effects, the primary one first", [_upright(table), *table.note.splitlines()]


def _upright(table: Table) -> Table:
    """The table transposed, because a terminal is narrower than a page."""
    columns = ("", *(str(row[0]) for row in table.rows))
    rows = tuple((name, *(row[i] for row in table.rows)) for i, name in enumerate(table.columns) if i)
    return Table(table.title, columns, rows)


def _gate_table(found: list[GateAnswer]) -> Table:
    words = {True: "passed", False: "answers", None: ""}
    rows = tuple((a.name, a.question, words[a.passed], a.answer) for a in found)
    return Table("", ("gate", "question", "", "answer"), rows)


def _headline(verdict: Verdict) -> str:
    return verdict.headline.upper() if verdict.outcome is Outcome.SMOKE else verdict.headline


def _verdict(found: Chain) -> Iterator[str]:
    verdict = found.verdict
    yield _headline(verdict)
    yield from (f"  because: {reason}" for reason in verdict.sentences)
    if found.claim.kind is not Kind.EXACT or verdict.outcome not in (
        Outcome.REPRODUCED,
        Outcome.NOT_REPRODUCED,
    ):
        yield f"  {verdict.outcome} means: {MEANINGS[verdict.outcome]}"
