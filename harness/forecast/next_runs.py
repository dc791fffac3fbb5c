"""Why a claim has no verdict at the paper's scale, and which runs would say more: `ways.Way`, priced."""

from __future__ import annotations

from dataclasses import replace

from harness.contract.device import CPU, CUDA, Device
from harness.contract.trial import Trial
from harness.effects.intervals import LOOKS
from harness.forecast import cost, priorities
from harness.forecast.ways import Price, Way, unwritten
from harness.paper.claims import Claim, Kind
from harness.plans.experiment import Experiment, Protocol, Reproduction
from harness.records.environment import best_precision
from harness.records.store import Store
from harness.verdicts.assessment import Assessment
from harness.verdicts.rules import decide
from harness.verdicts.verdict import Outcome

DEVICES = {CPU: "core", CUDA: "GPU"}
NEVER_JUDGED = "a figure beside the paper's, never judged"


def ways(claim: Claim, reproduction: Reproduction, store: Store, best: Assessment | None) -> tuple[Way, ...]:
    """The cheapest run that would say more than the best evidence does, and the one at the paper's scale."""
    if best is not None and _settled(claim, best):
        return ()
    runs = [p for p in reproduction.protocols if not p.smoke]
    runs.sort(key=lambda p: _size(reproduction, p))
    if best is not None and not _smoke(claim, best):
        first = _further(claim, best, store)
    else:
        first = _way(claim, reproduction, runs[0], runs[0].seeds, store) if runs else None
    paper = [p for p in runs if at_paper_scale(claim, p)] if first is None or not first.paper else []
    rest = (_way(claim, reproduction, p, p.seeds, store) for p in paper[:1])
    return (*([first] if first else []), *rest)


def _settled(claim: Claim, best: Assessment) -> bool:
    """Whether nothing that could be run would say more."""
    verdict, case = best.verdict(claim), best.case(claim)
    over = verdict.outcome in (
        Outcome.REPORTED,
        Outcome.REPRODUCED,
        Outcome.DIRECTIONAL,
        Outcome.NOT_REPRODUCED,
    )
    return over and (case.at_paper_scale or claim.paper_scale is None)


def _smoke(claim: Claim, best: Assessment) -> bool:
    return best.evidence.protocol.smoke or best.verdict(claim).outcome is Outcome.SMOKE


def _further(claim: Claim, best: Assessment, store: Store) -> Way | None:
    """The evidence's own protocol once more: what is missing of it, or seeds up to the next look."""
    experiment, verdict = best.experiment, best.verdict(claim)
    if best.evidence.missing or best.evidence.plan.to_come:
        return _way(claim, experiment.reproduction, experiment.protocol, experiment.seeds, store)
    seeds = next((n for n in LOOKS if n > experiment.seeds), None)
    if verdict.outcome is not Outcome.INCONCLUSIVE or seeds is None:
        return None
    way = _way(claim, experiment.reproduction, experiment.protocol, seeds, store)
    return replace(way, command=f"{_command(experiment.reproduction, experiment.protocol)} --until-decided")


def _command(reproduction: Reproduction, protocol: Protocol, seeds: int | None = None) -> str:
    more = f" --seeds {seeds}" if seeds not in (None, protocol.seeds) else ""
    return f"./repro.py run {reproduction.name} --protocol {protocol.name}{more}"


def _way(claim: Claim, reproduction: Reproduction, protocol: Protocol, seeds: int, store: Store) -> Way:
    left = {device: _left(reproduction, protocol, seeds, store, device) for device in DEVICES}
    trials = left[CPU]
    wanted = {trial.settings.device for trial in trials}
    prices = tuple(_price(left[d], d, store) for d in DEVICES if not wanted or wanted & {None, d.kind})
    paper, command = at_paper_scale(claim, protocol), _command(reproduction, protocol, seeds)
    return Way(_gives(claim, protocol), paper, command, protocol.dataset, len(trials), prices)


def _price(trials: list[Trial], device: Device, store: Store) -> Price:
    most = cost.estimate(trials, device, 1, store.records)
    return Price(DEVICES[device], most.seconds, most.measured)


def _left(
    reproduction: Reproduction, protocol: Protocol, seeds: int, store: Store, device: Device
) -> list[Trial]:
    """The trials still to run, under those of the store's conditions that lack the fewest."""
    seen = [c for c in store.conditions() if c.on(device) and c.suit(protocol.dataset)]
    if not seen:
        precision = protocol.precision or best_precision(device.kind)
        return priorities.whole(reproduction, protocol.at(precision), seeds)
    experiments = (Experiment(reproduction, protocol, seeds, c).under(c) for c in seen)
    return min((priorities.needed(experiment, store) for experiment in experiments), key=len)


def _size(reproduction: Reproduction, protocol: Protocol) -> float:
    """Arithmetic of the trials that are known from the start: enough to find the cheapest protocol."""
    plan = reproduction.plan(protocol, protocol.seeds, lambda trial: None)
    return sum(cost.most_multiply_adds(planned.trial) for planned in plan.trials)


def at_paper_scale(claim: Claim, protocol: Protocol) -> bool:
    """Whether the protocol is the one that the claim names as the paper's scale."""
    return (protocol.scale or protocol.name) == claim.paper_scale


def _gives(claim: Claim, protocol: Protocol) -> str:
    if claim.kind is Kind.COST or claim.paper_scale is None:
        return NEVER_JUDGED
    if at_paper_scale(claim, protocol):
        return "a verdict at the paper's scale"
    if claim.kind in (Kind.LEVEL, Kind.EXACT):
        return "a figure at a smaller scale, not judged"
    return "a direction at a smaller scale (proxy)"


def reason(claim: Claim, reproduction: Reproduction | None, best: Assessment | None, stale: int) -> str:
    """Why there is no verdict at the paper's scale; nothing where there is one."""
    if reproduction is None:
        return unwritten(claim)
    if best is None:
        return f"no record but {stale} made by other code than today's" if stale else "no record"
    verdict = best.verdict(claim)
    if _settled(claim, best):
        return ""
    if _smoke(claim, best):
        made_up = verdict.outcome is Outcome.SMOKE and not best.evidence.protocol.smoke
        return "only runs on stand-in data" if made_up else "only smoke runs, which never give a verdict"
    proxy = f"the paper's scale is {claim.paper_scale}, and this is {best.evidence.protocol.name}"
    held = verdict.outcome in (Outcome.INCONCLUSIVE, Outcome.INVALID, Outcome.NOT_RUN)
    bare = decide(claim, best.evidence, best.effect(claim), best.invalid, best.looks)  # without advice
    return "; ".join(r.removeprefix("gate ") for r in bare.reasons) if held else proxy
