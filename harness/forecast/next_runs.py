"""Why a claim has no verdict at the paper's scale, and which runs would say more, at what cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from harness.contract import plugins
from harness.contract.device import CPU, CUDA, Device
from harness.contract.errors import ReproductionFails
from harness.contract.formatting import count, duration
from harness.contract.once import once
from harness.contract.trial import Trial
from harness.data.catalogue import DATA_SETS
from harness.effects.statistics.significance import LOOKS
from harness.forecast import cost, priorities, speeds
from harness.forecast.cost import SpeedSource
from harness.paper.claims import Claim
from harness.plans.experiment import Experiment, Protocol, Reproduction, unfold
from harness.records.environment import best_precision
from harness.records.store import Store
from harness.verdicts import sequential
from harness.verdicts.assess import Assessments
from harness.verdicts.assessment import Assessment
from harness.verdicts.gates import at_paper_scale, ever_judged, fails_in_pilots, judged_at
from harness.verdicts.verdict import Outcome, plain

DEVICES = {CPU: "core", CUDA: "GPU"}


@dataclass(frozen=True)
class Price:
    """The most time that trials take on one device, and the source of its speed.

    A plan that is `open_ended` first searches for rates, and may ask for more trials than can be foreseen.
    """

    device: str  # "core" or "GPU"
    seconds: float
    speed: SpeedSource
    open_ended: bool = False

    @property
    def rough(self) -> bool:
        """Whether it is no upper bound."""
        return self.open_ended or self.speed is SpeedSource.ASSUMED

    @property
    def words(self) -> str:
        """`at most 9.2 h of one core (speed measured)`."""
        time = duration(self.seconds) if self.seconds >= 1 else "seconds"
        bound = "about" if self.rough else "at most"
        return f"{bound} {time} of one {self.device} (speed {self.speed})"


@dataclass(frozen=True)
class NextRun:
    """A run that would say more about a claim: its command, its data, and its maximum cost."""

    gives: str
    paper: bool  # whether it is at the paper's scale
    command: str
    dataset: str | None
    trials: int
    prices: tuple[Price, ...]

    @property
    def protocol(self) -> str:
        """The protocol, with any further option of the command."""
        return self.command.partition("--protocol ")[2]

    @property
    def data(self) -> str:
        """The data set's name."""
        return DATA_SETS[self.dataset].title if self.dataset else "no data"

    @property
    def cost(self) -> str:
        """How many trials, and their maximum cost on either kind of device."""
        if not self.trials:
            return "nothing left to run"
        return f"{count(self.trials, 'trial')}, {' or '.join(price.words for price in self.prices)}"

    @property
    def words(self) -> str:
        """The run as a sentence."""
        return f"For {self.gives}: {self.command} ({self.data}; {self.cost})."


@dataclass(frozen=True)
class Outlook:
    """Why there is no verdict at the paper's scale (empty if there is one), and what would say more."""

    why: str = ""
    runs: tuple[NextRun, ...] = ()
    smoke_alone: bool = False  # whether its reproduction has no other protocol

    @property
    def sentence(self) -> str:
        """The whole outlook, for a section and for `explain`."""
        lacking = "Only a smoke protocol exists." if self.why and self.smoke_alone else ""
        head = f"{self.why[:1].upper()}{self.why[1:]}." if self.why else ""
        return " ".join(part for part in (head, *(run.words for run in self.runs), lacking) if part)


def outlook(
    claim: Claim, reproduction: Reproduction | None, known: Assessments, best: Assessment | None
) -> Outlook:
    """Where the claim stands by its best evidence, and the runs that would say more."""
    if reproduction is None:
        unwritten = f"declared but has no reproduction; it would need {claim.needs or claim.conditions}"
        return Outlook(unwritten)
    if reproduction.name in known.failing:
        return Outlook(known.failing[reproduction.name])
    found = _next_runs(claim, reproduction, known, best)
    runs = tuple(run for run in found if run.trials or best is None)  # counts need no trials
    smoke_alone = all(protocol.smoke for protocol in reproduction.protocols)
    return Outlook(_reason(claim, reproduction, known, best), runs, smoke_alone)


def for_question(reproduction: Reproduction, known: Assessments) -> NextRun:
    """The cheapest run that would answer a question that is not a claim of the paper."""
    first = (_cheapest_first(reproduction) or reproduction.protocols)[0]
    return _priced(reproduction, first, first.seeds, known, "an answer, which is never judged")


def sources(runs: Sequence[NextRun]) -> Iterator[str]:
    """How to get each data set that the runs need."""
    for dataset in dict.fromkeys(run.dataset for run in runs if run.dataset):
        known = DATA_SETS[dataset]
        yield f"{known.title}, {known.images['train']:,} training images: {known.how}"


def _reason(claim: Claim, reproduction: Reproduction, known: Assessments, best: Assessment | None) -> str:
    if best is None:
        stale = len(known.own_stale(reproduction))
        return f"no record except {stale} made by other code" if stale else "no record"
    verdict, protocol = best.verdict(claim), best.evidence.protocol
    if _settled(claim, best):
        return ""
    if _smoke(claim, best):
        return (
            "only smoke runs, which never give a verdict" if protocol.smoke else "only runs on stand-in data"
        )
    if _open(claim, best):
        return "; ".join(map(plain, verdict.reasons))
    return f"the paper's scale is {claim.paper_scale}, but this is {protocol.name}"


def _settled(claim: Claim, best: Assessment) -> bool:
    """Whether no possible run would say more."""
    at_scale = claim.paper_scale is None or at_paper_scale(claim, best.evidence.protocol)
    return at_scale and not _open(claim, best)


def _open(claim: Claim, best: Assessment) -> bool:
    """Whether trials are left, or what there is decides nothing."""
    undecided = (Outcome.INCONCLUSIVE, Outcome.INVALID, Outcome.SMOKE, Outcome.NOT_RUN)
    return not best.evidence.complete or best.verdict(claim).outcome in undecided


def _smoke(claim: Claim, best: Assessment) -> bool:
    return best.evidence.protocol.smoke or best.verdict(claim).outcome is Outcome.SMOKE


def _next_runs(
    claim: Claim, reproduction: Reproduction, known: Assessments, best: Assessment | None
) -> tuple[NextRun, ...]:
    """The cheapest run that would say more than the best evidence, and the one at the paper's scale.

    One that pilots showed to give no verdict is named only if there is no other.
    """
    if best is not None and _settled(claim, best):
        return ()
    protocols = sorted(_cheapest_first(reproduction), key=lambda protocol: fails_in_pilots(claim, protocol))

    def begun(protocol: Protocol) -> NextRun:
        return _next_run(claim, reproduction, protocol, protocol.seeds, known)

    if best is not None and not _smoke(claim, best) and not fails_in_pilots(claim, best.evidence.protocol):
        first = _further(claim, best, known)
    else:
        first = begun(protocols[0]) if protocols else None
    found = (first,) if first else ()
    at_scale = () if first and first.paper else (p for p in protocols if at_paper_scale(claim, p))
    return found + tuple(map(begun, at_scale))[:1]


@once
def _cheapest_first(reproduction: Reproduction) -> list[Protocol]:
    protocols = [p for p in reproduction.protocols if not p.smoke]
    return sorted(protocols, key=lambda protocol: _arithmetic(reproduction, protocol))


def _arithmetic(reproduction: Reproduction, protocol: Protocol) -> float:
    """Multiply-adds of the trials known from the start: enough to find the cheapest protocol."""
    plan = reproduction.plan(protocol, protocol.seeds, lambda trial: None)
    return sum(cost.most_multiply_adds(planned.trial) for planned in plan.trials)


def _further(claim: Claim, best: Assessment, known: Assessments) -> NextRun | None:
    """More of the evidence's own protocol: its missing trials, or seeds up to the next interim look."""
    experiment, evidence = best.experiment, best.evidence
    reproduction, protocol = experiment.reproduction, experiment.protocol
    if evidence.missing or evidence.plan.to_come:
        return _next_run(claim, reproduction, protocol, experiment.seeds, known)
    looks = sequential.sequential(experiment)
    planned = LOOKS if looks else (protocol.seeds,)
    seeds = next((n for n in planned if n > experiment.seeds), None)
    if best.verdict(claim).outcome is not Outcome.INCONCLUSIVE or seeds is None:
        return None
    run = _next_run(claim, reproduction, protocol, seeds, known)
    return replace(run, command=f"{command(reproduction, protocol)} --until-decided") if looks else run


def command(reproduction: Reproduction, protocol: Protocol, seeds: int | None = None) -> str:
    """The command that runs the reproduction at the protocol, in the precision of evidence it continues."""
    more = f" --seeds {seeds}" if seeds not in (None, protocol.seeds) else ""
    if protocol.dataset and protocol.precision != reproduction.protocol(protocol.name).precision:
        more += f" --precision {protocol.precision}"  # `auto` is another one on other hardware
    return f"./repro.py run {reproduction.name} --protocol {protocol.name}{more}"


def _next_run(
    claim: Claim, reproduction: Reproduction, protocol: Protocol, seeds: int, known: Assessments
) -> NextRun:
    name = claim.id, reproduction.name, protocol.name, protocol.precision, seeds
    found = _found(known)
    if name not in found:
        gives, paper = _gives(claim, protocol), at_paper_scale(claim, protocol)
        found[name] = _priced(reproduction, protocol, seeds, known, gives, paper)
    return found[name]


@lru_cache(maxsize=1)
def _found(known: Assessments) -> dict[tuple[object, ...], NextRun]:
    """The runs found so far: all of a claim's sections ask for the same few."""
    return {}


def _priced(
    reproduction: Reproduction,
    protocol: Protocol,
    seeds: int,
    known: Assessments,
    gives: str,
    paper: bool = False,
) -> NextRun:
    left = {device: _left(reproduction, protocol, seeds, known, device) for device in DEVICES}
    wanted = {trial.settings.device for one in left.values() for trial in one.trials}
    fit = [d for d in DEVICES if not wanted or wanted & {None, d.kind}]
    trials = min(len(left[d].trials) for d in fit)
    fewest = [d for d in fit if len(left[d].trials) == trials]  # not one on which it would begin anew
    prices = tuple(_price(left[d], d, known.store) for d in fewest)
    words = command(reproduction, protocol, seeds)
    return NextRun(gives, paper, words, protocol.dataset, trials, prices)


@dataclass(frozen=True)
class Left:
    """The trials that a plan still needs, as far as it is known; `open_ended`: their results decide more."""

    trials: list[Trial]
    open_ended: bool


def _left(
    reproduction: Reproduction, protocol: Protocol, seeds: int, known: Assessments, device: Device
) -> Left:
    """The trials still to run, under the store's conditions that lack the fewest.

    Empty if the plan raises, which is noted.
    """
    seen = [c for c in known.store.conditions() if c.on(device) and c.suit(protocol.dataset)]
    held = [c for c in seen if protocol.precision in (None, c.precision)]
    begun = [Experiment(reproduction, protocol, seeds, conditions) for conditions in held]
    try:
        if not begun:
            return _whole(reproduction, protocol.at(protocol.precision or best_precision(device.kind)), seeds)
        left = (Left(priorities.needed(e, known.store), bool(known.evidence(e).plan.to_come)) for e in begun)
        return min(left, key=lambda one: len(one.trials))
    except ReproductionFails as error:
        plugins.note(reproduction.name, str(error))
        return Left([], False)


def _whole(reproduction: Reproduction, protocol: Protocol, seeds: int) -> Left:
    """Everything, as nothing is stored."""
    begins = unfold(reproduction, protocol, seeds, lambda trial: None)
    return Left(priorities.whole(reproduction, protocol, seeds), bool(begins.to_come))


def _price(left: Left, device: Device, store: Store) -> Price:
    most = cost.price(left.trials, 1, speeds.known(store, left.trials, device))
    return Price(DEVICES[device], most.seconds, most.source, left.open_ended)


def _gives(claim: Claim, protocol: Protocol) -> str:
    if not ever_judged(claim):
        return "a figure beside the paper's, never judged"
    if at_paper_scale(claim, protocol):
        return "a verdict at the paper's scale"
    if not judged_at(claim, protocol):
        return "a figure at a smaller scale, not judged"
    if fails_in_pilots(claim, protocol):
        return "a figure without a verdict, as pilots at this scale were under-fitted"
    return "a direction at a smaller scale (proxy)"
