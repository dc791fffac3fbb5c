"""One call of `run`: the request, and the experiments, store, device and workers that follow from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import reproductions
from harness.cli.options import PrecisionOption
from harness.cli.running import choices
from harness.cli.running.sites import HERE, Site
from harness.contract.device import Device
from harness.contract.errors import BadValue, DataError, EngineError
from harness.data.sources import STAND_IN_NOTICE
from harness.forecast import priorities
from harness.forecast.priorities import Step
from harness.paper.papers import claim
from harness.plans.experiment import Experiment, Reproduction
from harness.records.store import Store
from harness.verdicts import sequential
from harness.verdicts.gates import fails_in_pilots


@dataclass(frozen=True)
class RunRequest:
    """The options of `run`; BadValue if two of them contradict each other."""

    reproductions: Sequence[Reproduction]
    protocol: str | None
    seeds: int | None
    device: str
    workers: int | None
    data_dir: Path | None
    results_dir: Path
    until_decided: bool = False
    budget: float | None = None  # seconds
    gpus: int = 1  # that train one network together
    precision: PrecisionOption = PrecisionOption.AUTO
    site: Site = HERE
    check: Path | None = None  # earlier evidence; no verdict may say less afterwards
    junit: Path | None = None
    verbose: bool = False
    every: bool = False  # nobody named them: those that cannot run stand aside

    def __post_init__(self) -> None:
        if self.until_decided and self.seeds is not None:
            raise BadValue(
                f"--seeds {self.seeds} fixes the number of seeds and --until-decided adds them at declared "
                "looks (3, 5, 10): give one of the two"
            )

    def experiments(self, device: Device) -> tuple[list[Experiment], list[str]]:
        """One per reproduction that has the protocol and can run on the device, and what the others lack.

        A named one that cannot run is an error, unless there is a budget to fill; so is it if none can.
        """
        found: list[Experiment] = []
        lacking: list[str] = []
        for reproduction in self._meant():
            try:
                found.append(self._experiment(reproduction, device))
            except DataError as error:
                lacking.append(f"{reproduction.name}: {error}")
            except EngineError as error:
                lacking.append(str(error))
        if lacking and not (found and (self.every or self.budget is not None)):
            raise DataError("; ".join(lacking))
        return found, lacking

    def _meant(self) -> Sequence[Reproduction]:
        if self.protocol is None or not self.every:
            return self.reproductions
        return [r for r in self.reproductions if self.protocol in {p.name for p in r.protocols}] or (
            self.reproductions
        )

    def _experiment(self, reproduction: Reproduction, device: Device) -> Experiment:
        gpus = self.site.gpus(device)
        return choices.make_experiment(
            reproduction, self.protocol, self.seeds, device, self.data_dir, self.precision, gpus
        )


@dataclass(frozen=True)
class Work:
    """What one call does, where, and with what."""

    asked: RunRequest
    store: Store
    device: Device
    workers: int
    experiments: list[Experiment]
    lacking: list[str]

    def plan(self, seconds: float = math.inf) -> list[Step]:
        """The experiments, those that decide most first."""
        return priorities.plan(self.experiments, self.store, self.device, self.workers, seconds)


def chosen(names: list[str], every: bool) -> list[Reproduction]:
    """The reproductions of the named claims, or all; BadValue for both or neither."""
    if names and every:
        raise BadValue(f"--all runs every claim, and {', '.join(names)} names some: give one of the two")
    if not names and not every:
        raise BadValue("name the claims to run, or give --all; './repro.py list' shows them")
    found = reproductions.every() if every else map(reproductions.named, names)
    return list({r.name: r for r in found}.values())


def work_for(asked: RunRequest) -> Work:
    """What the call will do at its site."""
    device = asked.site.device(asked.device, asked.gpus)
    workers = asked.site.workers(asked.workers, device)
    store = Store(asked.results_dir)
    store.check()
    todo, lacking = asked.experiments(device)
    if asked.until_decided:
        todo = [sequential.at_look(experiment, store) for experiment in todo]
    for experiment in todo:
        sequential.check_seeds(experiment, store)
    return Work(asked, store, device, workers, todo, lacking)


def warnings(work: Work) -> Iterator[str]:
    """What the user must know beforehand: what cannot run or be read, stand-in data, no verdict to expect."""
    yield from (f"cannot run: {sentence}" for sentence in work.lacking)
    yield from work.store.left_out()
    data = (experiment.conditions.data for experiment in work.experiments)
    if any(one is not None and one.stand_in for one in data):
        yield STAND_IN_NOTICE
    if work.asked.until_decided:
        for one in work.experiments:
            if one.reproduction.claims and sequential.beyond_looks(one):
                why = f"declares {one.protocol.seeds} seeds, more than any look"
                yield f"--until-decided changes nothing for {one.name}, which {why}"
    stopped = [
        f"{name} at {one.protocol.name}"
        for one in work.experiments
        for name in one.reproduction.claims
        if fails_in_pilots(claim(name), one.protocol)
    ]
    if stopped:
        yield (
            f"expect invalid (under-fitted): {', '.join(stopped)}; in pilots, training there was too short "
            "for claims about accuracy: see docs/protocols.md, Pilots; './repro.py list' names runs that can "
            "give a verdict"
        )
