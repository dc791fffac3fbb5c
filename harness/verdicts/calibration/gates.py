"""How often the gates of `trained_enough` stop sound experiments, or pass unsound ones.

Two more spreads than in `calibration` are assumed: the gap between training and test error varies by 1 point
between seeds, and the training loss by 5 % between evaluations, as in pilots. `rules.py` prints the rates.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.effects.statistics.significance import LOOKS
from harness.paper.catalogue import claim
from harness.paper.claims import Claim
from harness.plans.experiment import Check, Evidence, Finding, Lookup, Plan, Protocol, Reproduction
from harness.records.schema import Measured
from harness.verdicts.calibration.simulation import LEVEL_SD, Array, evidence
from harness.verdicts.gates import HALVES, UNDER_FITTED, Case
from harness.verdicts.trained_enough import ALIKE, FALL, GAP

GAP_SD, LOSS_SD = 1.0, 0.05
ELSEWHERE = "another scale"
ARM = "arm"  # the one of simulated evidence
Metrics = Mapping[str, float | None]


@dataclass(frozen=True)
class Rate:
    """How often an answer was given in simulated experiments, and the promised maximum, if any."""

    rule: str
    truth: str
    seeds: str
    said: str
    experiments: int
    rate: float
    at_most: float | None


@dataclass(frozen=True)
class SimulatedGate:
    """A row of the second table before simulation: what may happen in a random experiment."""

    rule: str
    truth: str
    seeds: str
    said: str
    at_most: float | None
    happens: Callable[[np.random.Generator], bool]

    def rate(self, experiments: int) -> Rate:
        """How often it happened."""
        stream = np.random.default_rng(zlib.crc32(f"{self.rule} {self.truth} {self.seeds}".encode()))
        share = sum(self.happens(stream) for _ in range(experiments)) / experiments
        return Rate(self.rule, self.truth, self.seeds, self.said, experiments, share, self.at_most)


def questions() -> list[SimulatedGate]:
    """The rows for both gates."""
    return [*_gaps(), *_falls(), *_halves()]


def _gaps() -> Iterator[SimulatedGate]:
    """One point off the minimal gap the gate is rarely wrong; at the gap, in half of cases by design."""
    about = claim("dropout-overfitting")

    def stops(gap: float, seeds: int, stream: np.random.Generator) -> bool:
        gaps = stream.normal(gap, GAP_SD, seeds)
        metrics: list[Metrics] = [
            {Measured.TRAIN_TOP1: 20.0, Measured.CENTRE_TOP1: 20.0 + float(g)} for g in gaps
        ]
        return bool(UNDER_FITTED.stopped(_case(about, Check.UNDER_FITTED, metrics)))

    for seeds in (5, 10):
        of = f"{seeds}"
        yield SimulatedGate(
            "under-fitted, gap", f"{GAP:g} points", of, "stopped", None, _at(stops, GAP, seeds)
        )
        yield SimulatedGate(
            "under-fitted, gap", f"{GAP + 1:g} points", of, "stopped", 0.025, _at(stops, GAP + 1, seeds)
        )
        passed = _not(_at(stops, GAP - 1, seeds))
        yield SimulatedGate("under-fitted, gap", f"{GAP - 1:g} points", of, "passed", 0.025, passed)


def _falls() -> Iterator[SimulatedGate]:
    """A loss that falls evenly over thirteen epochs, evaluated twice in each: the shortest stage declared."""
    about = claim("lrn")
    epochs = np.arange(1, 27) / 2

    def stops(fall: float, seeds: int, stream: np.random.Generator) -> bool:
        noise = np.exp(LOSS_SD * stream.normal(size=(seeds, len(epochs))))
        losses = (1 - fall) ** (epochs / 1.3) * noise
        curves = [_curve(epochs.tolist(), one) for one in losses.tolist()]
        return bool(UNDER_FITTED.stopped(_case(about, Check.UNDER_FITTED, [{}] * seeds, curves)))

    for seeds in (9, 15):
        of, rule = f"{seeds}", "under-fitted, loss"
        yield SimulatedGate(rule, f"falls by {FALL:.0%}", of, "stopped", None, _at(stops, FALL, seeds))
        yield SimulatedGate(rule, "does not fall", of, "stopped", 0.025, _at(stops, 0.0, seeds))
        passed = _not(_at(stops, 2 * FALL, seeds))
        yield SimulatedGate(rule, f"falls by {2 * FALL:.0%}", of, "passed", 0.025, passed)


def _halves() -> Iterator[SimulatedGate]:
    """Baselines whose seeds differ by chance alone; with looks the gate is asked at five and ten of them."""
    about = claim("lrn")

    def stopped(values: Array) -> bool:
        metrics: list[Metrics] = [{Measured.TEN_TOP1: float(v)} for v in values]
        return bool(HALVES.stopped(_case(about, Check.HALVES, metrics)))

    def stops(apart: float, seeds: int, stream: np.random.Generator) -> bool:
        values = stream.normal(40.0, LEVEL_SD, seeds)
        values[1::2] += apart
        return stopped(values)

    def at_looks(stream: np.random.Generator) -> bool:
        values = stream.normal(40.0, LEVEL_SD, LOOKS[-1])
        return any(stopped(values[:n]) for n in LOOKS)

    yield SimulatedGate("A/A", "alike", "3", "stopped", 0.0, _at(stops, 0.0, 3))
    for seeds in (4, 5, 10, 15):
        yield SimulatedGate("A/A", "alike", f"{seeds}", "stopped", ALIKE, _at(stops, 0.0, seeds))
    yield SimulatedGate("A/A", "alike", "looks", "stopped", 2 * ALIKE, at_looks)
    for seeds in (5, 10, 15):
        yield SimulatedGate("A/A", "half a point apart", f"{seeds}", "stopped", None, _at(stops, 0.5, seeds))


Stops = Callable[[float, int, np.random.Generator], bool]


def _at(stops: Stops, truth: float, seeds: int) -> Callable[[np.random.Generator], bool]:
    return lambda stream: stops(truth, seeds, stream)


def _not(happens: Callable[[np.random.Generator], bool]) -> Callable[[np.random.Generator], bool]:
    return lambda stream: not happens(stream)


def _curve(epochs: Sequence[float], losses: Sequence[float]) -> tuple[dict[str, float | None], ...]:
    return tuple({"epoch": e, "rate": 0.02, "train_loss": x} for e, x in zip(epochs, losses, strict=True))


def _case(
    about: Claim,
    check: Check,
    metrics: Sequence[Metrics],
    curves: Sequence[tuple[dict[str, float | None], ...]] | None = None,
) -> Case:
    """The gate's case: one arm's runs, at a proxy that declares the gate."""
    whole = evidence(ELSEWHERE, len(metrics))
    curves = curves or [()] * len(metrics)
    runs = tuple(
        replace(run, record=replace(run.record, metrics=measured, curve=curve))
        for run, measured, curve in zip(whole.runs, metrics, curves, strict=True)
    )
    protocol = replace(whole.protocol, gates=(check,))
    return Case(about, Evidence(protocol, whole.plan, runs), None, (), False, (), SIMULATED)


def _plan(protocol: Protocol, seeds: int, lookup: Lookup) -> Plan:
    return Plan()


def _estimate(found: Evidence) -> Finding:
    return Finding()


SIMULATED = Reproduction("simulated", (), (), _plan, _estimate, overfitting_arm=ARM)
