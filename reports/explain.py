"""`explain`: the chain from the paper's sentence to the verdict, for people and as JSON.

Nothing is decided here. Every gate is asked again, in its order, so that the answers can be shown.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from harness import catalogue, looks
from harness.catalogue import count_band, difference_band, ratio_band, top1_band, top5_band
from harness.claims import Band, Claim, Effect, Interval, Kind, Metric, Outcome, Verdict
from harness.errors import BadValue
from harness.experiments import Reproduction, Role, Table
from harness.jobs import choose_protocol
from harness.judgement import Judgement
from harness.runner import Job
from harness.store import Store
from harness.verdicts import ENOUGH, FEWEST, GATES, Case, judge
from reports import collect, front, tables, ways, wording
from reports.build import MEANINGS

POLICIES: tuple[Callable[[float], Band], ...] = (
    difference_band,
    ratio_band,
    top1_band,
    top5_band,
    count_band,
)
UNITS = {"points": (difference_band,), "×": (ratio_band,), "%": (top1_band, top5_band), "": (count_band,)}
NOT_ASKED = "not asked: an earlier gate has answered"


@dataclass(frozen=True)
class Gate:
    """A gate's question as put to this evidence: whether it let it pass, and its answer."""

    name: str
    passed: bool | None  # None: not asked
    answer: str


@dataclass(frozen=True)
class Chain:
    """All that leads to a verdict on a claim."""

    claim: Claim
    reproduction: Reproduction | None
    judgement: Judgement | None  # None: no evidence
    verdict: Verdict
    looks: tuple[looks.Look, ...]
    needs: str
    others: tuple[str, ...]  # further evidence, which this chain is not about


def show(name: str, protocol: str | None, store: Store, as_json: bool, console: Console) -> None:
    """Prints the chain; UnknownName with the nearest names where there is no such claim or protocol."""
    found = chain(catalogue.claim(name), protocol, store)
    if as_json:
        print(json.dumps(_bounded(as_data(found)), indent=1, ensure_ascii=False, allow_nan=False))
        return
    for title, body in _parts(found):
        console.print(f"[bold]{title}[/bold]", highlight=False)
        for line in body:
            console.print(_grid(line) if isinstance(line, Table) else escape(line), highlight=False)
        console.print()
    for sentence in store.damaged:
        console.print(f"[yellow]{escape(sentence)}[/yellow]", highlight=False, soft_wrap=True)


def chain(claim: Claim, protocol: str | None, store: Store) -> Chain:
    """The chain that rests on the best evidence, or on the best at the protocol that is named."""
    reproduction = collect.reproduction_of(claim)
    found = collect.best_first(claim, _jobs(claim, reproduction, protocol, store), store)
    others = tuple(f"{one.job.protocol.name} on {one.job.conditions.device}" for one in found[1:])
    best = found[0] if found else None
    needed = ways.sentence(*collect.standing(claim, reproduction, store, best))
    if best is None:
        return Chain(claim, reproduction, None, judge(claim, None, None), (), needed, ())
    seen = tuple(looks.standing(best.job, store))
    return Chain(claim, reproduction, best, best.verdict(claim), seen, needed, others)


def _jobs(claim: Claim, reproduction: Reproduction | None, protocol: str | None, store: Store) -> list[Job]:
    if reproduction is None:
        if protocol is not None:
            raise BadValue(f"--protocol {protocol}: no reproduction of {claim.id} is written yet")
        return []
    if protocol is None:
        return collect.jobs(reproduction, store)
    return collect.at_protocol(reproduction, choose_protocol(reproduction, protocol), store)


def gates(case: Case) -> list[Gate]:
    """Every gate in its order with its answer; those after the one that stopped are not asked."""
    found: list[Gate] = []
    stopped = False
    for gate in GATES:
        name = gate.__name__.strip("_").replace("_", " ")
        verdict = None if stopped else gate(case)
        if stopped:
            found.append(Gate(name, None, NOT_ASKED))
        elif verdict is None:
            found.append(Gate(name, True, PASSED[name](case)))
        else:
            found.append(Gate(name, False, "; ".join(verdict.reasons)))
            stopped = True
    return [*found, _scale(case, stopped)]


def _scale(case: Case, stopped: bool) -> Gate:
    """The last gate caps what the rules may say, and stops nothing."""
    here, wanted = case.evidence.protocol.name, case.claim.paper_scale
    if stopped:
        return Gate("scale", None, NOT_ASKED)
    if case.at_paper_scale:
        return Gate("scale", True, f"{here} is the paper's scale: the band applies")
    return Gate("scale", False, f"{here} is not {wanted}: only the side of the null counts, as a proxy")


def _seeds(case: Case) -> str:
    if case.claim.kind is Kind.EXACT:
        return "no chance is involved"
    capped = f", so that a direction is the most that can be said (more needs {ENOUGH})"
    return f"n = {case.seeds}{capped if case.seeds < ENOUGH else ''}; a verdict needs {FEWEST}"


def _counted(case: Case) -> str:
    final = len(case.evidence.final())
    return f"{final} final runs have a record" if final else "nothing has to be run"


PASSED: Mapping[str, Callable[[Case], str]] = {
    "not run": _counted,
    "invalid": lambda case: (
        "the arms differ in the manipulated factor alone, and no run is lost or hidden"
        if case.evidence.final()
        else "no runs that could differ"
    ),
    "smoke": lambda case: f"{case.evidence.protocol.name} is no smoke protocol, and no stand-in data",
    "incomplete": lambda case: (
        f"all {len(case.evidence.plan.trials)} planned trials have a record, and there is an effect"
    ),
    "reported": lambda case: "the claim is one to be judged, and this scale allows it",
    "few seeds": _seeds,
    "off look": lambda case: (
        f"n = {case.seeds} is a declared look" if case.looks else "seeds were fixed beforehand: no looks"
    ),
}


def origin(metric: Metric) -> str:
    """Where a band comes from: the policy that makes it from the paper's figure."""
    if metric.band is None:
        return "none: its size is not judged"
    for policy in UNITS.get(metric.unit, POLICIES):
        if metric.paper is not None and policy(metric.paper) == metric.band:
            figure, rule = wording.number(metric.paper), _sentence(policy.__doc__)
            return f"this project's policy, from the paper's {figure}: {rule}"
    return "this project's policy, declared for this metric in the catalogue"


def _sentence(doc: str | None) -> str:
    text = (doc or "").strip().rstrip(".")
    return text[:1].lower() + text[1:]


def _parts(found: Chain) -> Iterator[tuple[str, list[str | Table]]]:
    """The chain's links: titles with lines and tables."""
    yield from _declared(found.claim)
    if found.judgement is None:
        yield "Evidence", [found.needs]
    else:
        yield from _experiment(found, found.judgement)
        yield from _measured(found, found.judgement)
        yield "Gates, in this order", [_gate_table(gates(found.judgement.case(found.claim)))]
    yield "Verdict", [*_verdict(found)]
    if found.judgement is not None and found.needs:
        yield "What would say more", [found.needs]


def _declared(claim: Claim) -> Iterator[tuple[str, list[str | Table]]]:
    log = f"2012 run log: {claim.log_2012}"
    said: list[str | Table] = [f"{wording.opened(claim.statement)}.", f"figure: {claim.figure}"]
    yield f"{claim.id}: the paper, {front.place(claim)}", said + [log] * bool(claim.log_2012)
    lines: list[str | Table] = [f"estimand: {claim.estimand}", f"direction: {_direction(claim)}"]
    for metric in claim.metrics:
        band = f"{_band(metric)}; " if metric.band else ""
        primary = " (primary)" if metric is claim.primary and len(claim.metrics) > 1 else ""
        lines.append(f"band, {metric.name}{primary}: {band}{origin(metric)}")
    scale = f"the paper's scale is protocol {claim.paper_scale}" if claim.paper_scale else "at any scale"
    yield "Declared beforehand", [*lines, f"conditions: {claim.conditions}; {scale}"]


def _band(metric: Metric) -> str:
    ends = Interval(metric.band.low, metric.band.high, 1.0) if metric.band else None
    return f"{wording.span(ends)} {metric.unit}".strip()


def _direction(claim: Claim) -> str:
    if claim.null is None:
        return (
            "none claimed: a level is compared with its band" if claim.kind is Kind.LEVEL else "none claimed"
        )
    side = f"the paper's effect is {claim.side} it" if claim.side else "no side is claimed"
    return f"no effect is {claim.null:g}; {side}"


def _experiment(found: Chain, judged: Judgement) -> Iterator[tuple[str, list[str | Table]]]:
    job = judged.job
    protocol, where = job.protocol, job.conditions
    lines: list[str | Table] = [f"protocol {protocol.name}: {protocol.summary}"]
    lines += [f"deviation: {d}" for d in (*protocol.deviations, *judged.finding.deviations)]
    if judged.evidence.plan.trials:
        lines.append(f"on {where.device}, torch {where.torch}, data {where.data}; {job.seeds} seeds an arm")
    if judged.looks:
        lines.append(
            f"seeds are added at looks (3, 5, 10); taken: {looks.in_words(found.looks) or 'none yet'}"
        )
    lines += [f"there is also evidence from {other}" for other in found.others]
    yield f"Experiment {job.reproduction.name}", lines
    tuning = tables.tuning_table(judged.evidence)
    if tuning:
        yield "Tuning", [*(f"{arm}: {rate}" for arm, rate in chosen(judged).items()), tuning, tuning.note]


def chosen(judged: Judgement) -> dict[str, str]:
    """The learning rate that each arm's tuning led to."""
    arms = dict.fromkeys(p.arm for p in judged.evidence.plan.trials if p.role is Role.TUNING)
    final = {p.arm: p.trial.settings for p in judged.evidence.plan.trials if p.role is Role.FINAL}
    rates = {arm: getattr(settings, "rate", None) for arm, settings in final.items()}
    return {arm: f"learning rate {rates[arm]}" if arm in rates else "not known yet" for arm in arms}


def _measured(found: Chain, judged: Judgement) -> Iterator[tuple[str, list[str | Table]]]:
    seeds = tables.seed_table(judged.evidence)
    if seeds:
        yield seeds.title, [seeds, *([seeds.note] if seeds.note else [])]
    effects = judged.finding.effects.get(found.claim.id, ())
    if effects:
        table = tables.effect_table(found.claim, effects)
        yield "Effects, the primary one first", [_upright(table), *([table.note] if table.note else [])]


def _upright(table: Table) -> Table:
    """The table turned, as a terminal is narrower than a page."""
    columns = ("", *(str(row[0]) for row in table.rows))
    rows = tuple((name, *(row[i] for row in table.rows)) for i, name in enumerate(table.columns) if i)
    return Table(table.title, columns, rows)


def _gate_table(found: list[Gate]) -> Table:
    words = {True: "passed", False: "answers", None: ""}
    return Table("", ("gate", "", "answer"), tuple((g.name, words[g.passed], g.answer) for g in found))


def _verdict(found: Chain) -> Iterator[str]:
    verdict = found.verdict
    yield verdict.headline.upper() if verdict.outcome is Outcome.SMOKE else verdict.headline
    yield from (f"  because: {reason}" for reason in verdict.reasons)
    if found.claim.kind is not Kind.EXACT or verdict.outcome not in (
        Outcome.REPRODUCED,
        Outcome.NOT_REPRODUCED,
    ):
        yield f"  {verdict.outcome} means: {dict(MEANINGS)[verdict.outcome]}"


def _grid(table: Table) -> Grid:
    grid = Grid(*(escape(c) for c in table.columns), box=None, pad_edge=False, header_style="bold")
    for row in tables.cells(table):
        grid.add_row(*map(escape, row))
    return grid


def as_data(found: Chain) -> dict[str, Any]:
    """The chain as JSON values."""
    about, judged = found.claim, found.judgement
    return {
        "claim": {**asdict(about), "bands": {m.name: origin(m) for m in about.metrics}},
        "reproduction": found.reproduction.name if found.reproduction else None,
        "experiment": None if judged is None else _experiment_data(found, judged),
        "verdict": {**asdict(found.verdict), "headline": found.verdict.headline},
        "needs": found.needs,
        "others": found.others,
    }


def _bounded(value: Any) -> Any:
    """The value without the infinite ends of intervals, for which JSON has no word: null instead."""
    if isinstance(value, Mapping):
        return {name: _bounded(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_bounded(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _experiment_data(found: Chain, judged: Judgement) -> dict[str, Any]:
    protocol = judged.job.protocol
    effects: tuple[Effect, ...] = judged.finding.effects.get(found.claim.id, ())
    return {
        "protocol": protocol.name,
        "summary": protocol.summary,
        "deviations": [*protocol.deviations, *judged.finding.deviations],
        "conditions": asdict(judged.job.conditions),
        "seeds": judged.job.seeds,
        "by looks": judged.looks,
        "looks": [asdict(look) for look in found.looks],
        "tuning": chosen(judged),
        "runs": [
            {
                "arm": r.arm,
                "seed": r.seed,
                "key": r.record.key,
                "status": r.record.status,
                "metrics": dict(r.record.metrics),
            }
            for r in judged.evidence.final()
        ],
        "effects": [asdict(effect) for effect in effects],
        "gates": [asdict(gate) for gate in gates(judged.case(found.claim))],
    }
