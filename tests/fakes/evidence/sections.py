"""Made-up sections for the report's tests alone, one of every kind that a report can hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from harness.contract.effect import Effect, Interval
from harness.contract.trial import Status, Trial
from harness.forecast.next_runs import Outlook
from harness.paper.claims import Band, Claim, Kind, Metric, Side
from harness.plans.experiment import (
    Evidence,
    Experiment,
    Finding,
    Plan,
    Planned,
    Protocol,
    Reproduction,
    Role,
    Run,
    Table,
)
from harness.records.record import Record
from harness.reporting.claims.sections import Section
from harness.verdicts.assessment import Assessment
from harness.verdicts.verdict import Outcome, Verdict
from tests.fakes.evidence.runs import HOSTILE, Net, ToTarget, figure_one, run
from tests.fakes.evidence.trials import STAND_IN

SIX = Claim(
    id="relu-speedup",
    section="3.1, Fig. 1",
    statement="a four-layer network with ReLUs reaches 25 % training error on CIFAR-10 six times faster "
    "than the same network with tanh units.",
    figure="6×",
    kind=Kind.RATIO,
    estimand="epochs to 25 % training error, tanh ÷ ReLU, each at its own best learning rate",
    metrics=(Metric("epochs", "×", 6.0, Band(4, 9)), Metric("CPU seconds", "×")),
    conditions="CIFAR-10, all 50,000 images, no regularisation",
    null=1.0,
    side=Side.ABOVE,
    paper_scale="cifar10",
    discussion="Another study, at 128 pixels on ImageNet, found ReLU at .471 and tanh at .401.",
)
LRN = Claim(
    id="lrn",
    section="3.3",
    statement="local response normalisation lowers the error by 1.4 points (top-1) and 1.2 points (top-5).",
    figure="1.4 / 1.2 points",
    kind=Kind.DIFFERENCE,
    estimand="error without − with, paired by seed",
    metrics=(
        Metric("top-1 error", "points", 1.4, Band(0.7, 2.1), 1.37),
        Metric("top-5 error", "points", 1.2, Band(0.6, 1.8), 1.152),
    ),
    conditions="ImageNet, 90 epochs",
    null=0.0,
    side=Side.ABOVE,
    paper_scale="imagenet",
)
COST = Claim(
    id="training-time",
    section="5",
    statement="90 epochs take five to six days on two GTX 580 cards.",
    figure="5–6 days",
    kind=Kind.COST,
    estimand="hours for 90 epochs",
    metrics=(Metric("hours", "h", 132.0),),
    conditions="two GPUs",
)


def evidence(runs: list[Run], protocol: str = "cifar10", extra: tuple[Planned, ...] = ()) -> Evidence:
    """The evidence made up of these runs."""
    scale = Protocol(protocol, "as the paper", "cifar10", 5, deviations=("bf16 arithmetic",))
    plan = Plan((*(r.planned for r in runs), *extra), "")
    return Evidence(scale, plan, tuple(runs))


def reproduction(proof: Evidence, claim: Claim = SIX, figure: str | None = "learning-curves") -> Reproduction:
    """A reproduction whose plan is fixed."""
    plan = proof.plan
    return Reproduction(
        claim.id, (claim.id,), (proof.protocol,), lambda p, n, look: plan, lambda e: Finding(), figure
    )


def section(
    claim: Claim,
    proof: Evidence,
    verdict: Verdict,
    effects: Sequence[Effect],
    figure: str | None = "learning-curves",
    records: tuple[Record, ...] | None = None,
    **rest: object,
) -> Section:
    """A section whose verdict and effects are given rather than computed from the evidence."""
    made = reproduction(proof, claim, figure)
    conditions = proof.runs[0].record.conditions
    experiment = Experiment(made, proof.protocol, proof.protocol.seeds, conditions)
    finding = Finding({claim.id: tuple(effects)})
    assessment = Assessment(experiment, proof, finding, (), False, {claim.id: verdict})
    kept = tuple(r.record for r in proof.runs) if records is None else records
    return Section(claim, made, assessment, kept, **rest)  # type: ignore[arg-type]


def changed(section: Section, **changes: object) -> Section:
    """The section with another `verdict`, or other fields of its assessment."""
    found = section.assessment
    assert found
    if "verdict" in changes:
        changes["verdicts"] = {section.claim.id: changes.pop("verdict")}
    return replace(section, assessment=replace(found, **changes))  # type: ignore[arg-type]


def renamed(section: Section, claim: Claim) -> Section:
    """The section as if it were another claim's."""
    finding = Finding({claim.id: section.effects}, section.finding.tables if section.finding else ())
    verdict = replace(section.verdict, claim=claim.id)
    return changed(replace(section, claim=claim), verdict=verdict, finding=finding)


def ratio(values: tuple[float, ...] = (5.6, 5.9, 6.1, 5.7, 6.0)) -> Effect:
    """The primary effect of the complete case."""
    return Effect(
        "epochs",
        "×",
        len(values),
        5.857,
        Interval(5.66, 6.06, 0.9),
        Interval(5.61, 6.12, 0.95),
        0.0625,
        minimum_detectable=1.08,
        values=values,
    )


def seconds() -> Effect:
    """A secondary effect without a band."""
    return Effect(
        "CPU seconds",
        "×",
        5,
        5.12,
        Interval(4.7, 5.5, 0.9),
        Interval(4.6, 5.7, 0.95),
        0.00001,
        values=(4.8, 5.0, 5.2, 5.5, 5.1),
        note="timed on a machine that did nothing else",
    )


def complete() -> Section:
    """A claim at paper scale, with everything a section can have."""
    proof = evidence(figure_one())
    tables = (
        Table(
            "Ratio by network", ("network", "ratio"), (("19pct", 5.857), ("13pct", None)), "Two candidates."
        ),
    )
    reasons = ("the 90 % interval [5.66, 6.06] lies inside the band [4, 9]", "the 95 % interval excludes 1")
    verdict = Verdict(SIX.id, "cifar10", Outcome.REPRODUCED, reasons)
    records = tuple(r.record for r in proof.runs)
    failed = replace(
        records[0], status=Status.FAILED, error=HOSTILE, started="2029-12-31T00:00:00Z", metrics={}, curve=()
    )
    stale = (replace(records[1], key="f" * 24, code="0ld" * 5),)
    # In a store, files are numbered in the order in which they were written: the failed attempt came first.
    files = {id(r): f"{r.key}-{1 + (r is records[0])}.json" for r in (*records, failed, *stale)}
    made = section(
        SIX, proof, verdict, (ratio(), seconds()), records=(*records, failed), stale=stale, files=files
    )
    return changed(made, finding=Finding({SIX.id: made.effects}, tables, ("one CPU thread a trial",)))


def smoke(made_up: bool = False) -> Section:
    """A smoke run, on images or on the stand-in."""
    runs = [run(arm, 0, 0.002, end, reached=False) for arm, end in (("relu", 1.0), ("tanh", 1.0))]
    if made_up:
        runs = [replace(r, record=replace(r.record, conditions=STAND_IN)) for r in runs]
    proof = evidence(runs, "smoke")
    claim = replace(SIX, id="relu-smoke")
    effect = Effect("epochs", "×", 1, 1.3, None, None, values=(1.3,))
    verdict = Verdict(claim.id, "smoke", Outcome.SMOKE, ("the smoke protocol never gives a verdict",))
    needs = "./repro.py run relu-speedup --protocol cifar10: CIFAR-10 (170 MB), about 3 h on two cores"
    return section(claim, proof, verdict, (effect,), outlook=Outlook(needs))


def censored() -> Section:
    """Most slow runs never reach the target; one diverges and one planned trial has no record."""
    runs = [run("relu", s, 0.002, 6.0 + s / 4) for s in range(3)]
    runs += [run("tanh", s, 0.002, 60.0, reached=False) for s in range(2)]
    last = run("tanh", 2, 0.002, 9.0, reached=False)
    rows = (*last.record.curve, {"epoch": 9.25, "running_error": math.nan, "loss": math.nan})
    diverged = replace(
        last.record, status=Status.DIVERGED, curve=rows, error="loss is not finite at epoch 9.25"
    )
    runs.append(replace(last, record=diverged))
    missing = Planned(Trial(settings=ToTarget(Net("", "tanh"), 0.002), seed=3), "tanh", Role.FINAL)
    proof = evidence(runs, extra=(missing,))
    claim = replace(SIX, id="relu-censored")
    effect = Effect(
        "epochs",
        "×",
        3,
        None,
        None,
        Interval(7.1, math.inf, 0.95),
        censored=3,
        lower_bound=8.2,
        values=(9.7, 9.1),
        n_to_decide=7,
    )
    verdict = Verdict(claim.id, "cifar10", Outcome.DIRECTIONAL, ("one-sided: at least 8.2",), "size unproven")
    return section(claim, proof, verdict, (effect,))


def invalid() -> Section:
    """Two metrics, another program's records, and arms that differ in more than the factor."""
    runs = []
    for seed in range(3):
        for arm in ("with", "without"):
            one = run(arm, seed, 0.01, 2.0)
            metrics = {"top1_error": 0.41 + 0.004 * seed, "top5_error": 0.18}
            runs.append(replace(one, record=replace(one.record, metrics=metrics, curve=(), cost={})))
    proof = evidence(runs, "imagenette")
    effects = (
        Effect(
            "top-1 error",
            "points",
            3,
            0.4,
            Interval(-0.2, 1.0, 0.9),
            Interval(-0.5, 1.3, 0.95),
            0.25,
            values=(0.1, 0.5, 0.6),
        ),
        Effect(
            "top-5 error",
            "points",
            3,
            0.9,
            Interval(0.5, 1.3, 0.9),
            Interval(0.2, 1.6, 0.95),
            0.25,
            values=(0.7, 0.9, 1.1),
        ),
    )
    why = ("arms differ in rate, which is not the factor",)
    verdict = Verdict(LRN.id, "imagenette", Outcome.INVALID, why)
    return section(LRN, proof, verdict, effects, figure=None)


def unwritten() -> Section:
    """A claim that nothing runs yet."""
    needs = "No reproduction runs it yet; it would need ImageNet (138 GB) and two GPUs for a day"
    return Section(COST, None, None, outlook=Outlook(needs))


def everything() -> list[Section]:
    """One section of every kind."""
    made_up = smoke(made_up=True)
    return [
        complete(),
        smoke(),
        renamed(made_up, replace(made_up.claim, id="relu-stand-in")),
        censored(),
        invalid(),
        unwritten(),
    ]
