"""`repro list`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.cli.terminal.outcomes import styled
from harness.cli.terminal.progress import Progress
from harness.cli.terminal.tables import WARNING, Row, print_rows, say
from harness.contract.formatting import NOTHING, duration
from harness.forecast.next_runs import DEVICES, NextRun
from harness.paper import papers
from harness.records.store import Store
from harness.reporting.claims import beyond, phrases
from harness.reporting.claims.beyond import Question
from harness.reporting.claims.sections import Section, leading, sections
from harness.reporting.front.needs import standing
from harness.reporting.front.overview import logged, ours
from harness.verdicts.assess import Assessments
from harness.verdicts.verdict import MEANINGS, Outcome


def show(store: Store, as_json: bool, console: Console, progress: Progress) -> None:
    """Shows every claim with the paper's figure, the best evidence, the verdict, and what to run next."""
    known = Assessments(store)
    with progress as tracker:
        found, asked = leading(sections(known, tracker)), beyond.questions(known)
    if as_json:
        rows = [{**_claim(s), "why": s.needs or _because(s), **_next(s, store)} for s in found]
        print_rows([*rows, *(_asked(question, store) for question in asked)], True, console)
        return
    for outcome in MEANINGS:
        _print_outcome(outcome, [s for s in found if s.verdict.outcome is outcome], console)
    _print_next(found, store, console)
    say(console, f"\n{beyond.TITLE}; never judged:")
    print_rows([_question(question) for question in asked], False, console)
    then = {one.reproduction.name: one.next_run for one in asked}
    say(console, "")
    print_rows([{"question": name, **_run(run)} for name, run in then.items()], False, console)
    for sentence in known.store.left_out():
        say(console, sentence, WARNING)


def _print_outcome(outcome: Outcome, found: Sequence[Section], console: Console) -> None:
    """Prints the claims with that outcome: what was found and, below it, what limits the verdict."""
    if not found:
        return
    console.print(
        Text.assemble(styled(outcome, f"{outcome} {len(found)}"), (f"  {MEANINGS[outcome]}", "dim"))
    )
    if outcome is Outcome.NOT_RUN:
        names = Text(", ".join(f"{s.claim.id}{_of(s)}" for s in found))
        if old := [s.claim.id for s in found if s.stale]:
            names.append(f"\nonly records of other code: {', '.join(old)}", "dim")
        console.print(Padding(names, (0, 0, 1, 2)))
        return
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(ratio=1)
    for section in found:
        table.add_row(section.claim.id, _said(section))
    console.print(Padding(table, (0, 0, 1, 2)), highlight=False)


def _said(section: Section) -> Text:
    """What was found beside the paper's figure; nothing from smoke runs, which show nothing."""
    if section.smoke:
        return Text(f"ran; the paper: {phrases.paper(section)}{_of(section)}", "dim")
    said = Text.assemble((_ours(section) or NOTHING, "bold"), f"; the paper: {phrases.paper(section)}")
    parts = (papers.another(section.claim), section.verdict.qualifier, section.scale)
    below = ", ".join(filter(None, parts))
    return said.append(f"\n{below}", "dim") if below else said


def _ours(section: Section) -> str:
    """What is judged: the first effect, or every count."""
    judged = [one for one in ours(section) if one.judged] or ours(section)[:1]
    return "; ".join((one if len(judged) > 1 else replace(one, name="")).line for one in judged)


def _of(section: Section) -> str:
    """The paper that makes the claim, unless it is AlexNet's."""
    paper = papers.another(section.claim)
    return f" ({paper})" if paper else ""


def _print_next(found: Sequence[Section], store: Store, console: Console) -> None:
    """Prints the runs that would say more, with the time that they take."""
    runs = [(s.claim.id, run) for s in found for run in s.runs]
    if not runs:
        return
    say(console, "Next experiments, with the most time that they take on one core or one GPU")
    say(console, "(~: roughly, as the speed is assumed or results decide what follows):")
    say(console, store.command("run CLAIM --protocol PROTOCOL"))
    print_rows([{"claim": name, **_run(run)} for name, run in runs], False, console)


def _question(asked: Question) -> Row:
    return {"question": asked.reproduction.name, "stored": asked.stored, "at": asked.scale}


def _asked(asked: Question, store: Store) -> Row:
    """The question as JSON: what it asks, without a verdict."""
    said = {
        "claim": None,
        "of paper": None,
        "question": asked.reproduction.name,
        "asks": asked.reproduction.question,
    }
    experiment = asked.assessment and asked.assessment.experiment
    at = experiment.protocol.name if experiment else ""
    run = asked.next_run
    then = {"command": _here(run.command, store), "runs": [_runs_of(run, store)]}
    return {**said, "stored": asked.stored, "protocol": at, **then}


def _claim(section: Section) -> Row:
    claim, verdict = section.claim, section.verdict
    return {
        "claim": claim.id,
        "of paper": papers.of(claim).paper.name,
        "section": claim.section,
        "paper": claim.figure,
        "2012 run": logged(claim),
        "ours": _ours(section),
        "protocol": verdict.protocol or "",
        "p, Student": section.raw_p,
        "p, Holm": section.adjusted_p,
        "verdict": verdict.headline,
        "deviations": list(section.deviations),
    }


def _because(section: Section) -> str:
    return "; ".join(section.verdict.sentences)


def _next(section: Section, store: Store) -> Row:
    """The claim's standing, the command to type, and every run that would say more, with data and cost."""
    runs = [_runs_of(run, store) for run in section.runs]
    return {"standing": standing(section), "command": _here(section.next_command, store), "runs": runs}


def _runs_of(run: NextRun, store: Store) -> Row:
    command = _here(run.command, store)
    return {**asdict(run), "command": command, "protocol": run.protocol, "data": run.data, "cost": run.cost}


def _here(command: str, store: Store) -> str:
    """The command as one types it to continue this store."""
    return f"{command}{store.option}"


def _run(run: NextRun) -> dict[str, str]:
    most = {price.device: f"{'~' * price.rough}{duration(price.seconds)}" for price in run.prices}
    none = dict.fromkeys(DEVICES.values(), NOTHING)
    return {"protocol": run.protocol, "trials": str(run.trials), **none, **most}
