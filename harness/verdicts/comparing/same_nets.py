"""The same network trained under two conditions, image by image, if records have per-image bits."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from harness.contract.trial import Status
from harness.effects.per_image import flags, kept
from harness.effects.statistics.mcnemar import McNemar, mcnemar
from harness.effects.statistics.significance import DIRECTION, holm
from harness.plans.experiment import Run
from harness.records.keys import spelled
from harness.records.record import Record
from harness.records.schema import Measured
from harness.verdicts.assessment import Assessment
from harness.verdicts.comparing.comparison import pairs

METRIC = Measured.TEN_TOP1  # the paper's test error


@dataclass(frozen=True)
class NetOfRun:
    """A tested network: a run, the first experiment that has it, and the claims of all that have it."""

    experiment: str
    run: Run
    claims: frozenset[str] = frozenset()

    @property
    def record(self) -> Record:
        """The run's record."""
        return self.run.record


@dataclass(frozen=True)
class SameNet:
    """One network on both sides, and the images that it got wrong on only one of them."""

    first: NetOfRun
    second: NetOfRun
    differs: tuple[str, ...]
    test: McNemar
    adjusted_p: float = 1.0  # Holm's, over all networks that both sides have

    @property
    def unlike(self) -> bool:
        """Whether one of the two trainings gets more images wrong than the other."""
        return self.adjusted_p < 1 - DIRECTION


def nets(assessments: Iterable[Assessment]) -> list[NetOfRun]:
    """Every final run whose record has per-image bits, once, however many experiments use it."""
    found: dict[str, NetOfRun] = {}
    for assessment in assessments:
        for run in assessment.evidence.final():
            if run.record.status is Status.OK and kept(run, METRIC):
                new = NetOfRun(assessment.experiment.name, run)
                one, about = found.setdefault(run.record.key, new), assessment.experiment.reproduction.claims
                found[run.record.key] = replace(one, claims=one.claims.union(about))
    return list(found.values())


def same_nets(first: Sequence[NetOfRun], second: Sequence[NetOfRun]) -> list[SameNet]:
    """The networks of the same settings, seed and test images that were trained on both sides.

    A record that both sides have is no second training, and is left out.
    """
    matched = pairs(first, second, _same, lambda a, b: (len(_differs(a, b)),))
    found = [_tested(a, b) for a, b in matched if _two(a.record, b.record)]
    adjusted = holm({str(i): one.test.p for i, one in enumerate(found)})
    return [replace(one, adjusted_p=p) for one, p in zip(found, adjusted.values(), strict=True)]


def _tested(first: NetOfRun, second: NetOfRun) -> SameNet:
    test = mcnemar(flags(first.run, METRIC), flags(second.run, METRIC))
    return SameNet(first, second, _differs(first, second), test)


def _two(first: Record, second: Record) -> bool:
    return (first.key, first.details) != (second.key, second.details)


def _same(net: NetOfRun) -> Hashable:
    data, trial = net.record.conditions.data, net.record.trial
    return spelled(trial["settings"]), trial["seed"], data, net.record.details["wrong"]["images"]


def _differs(first: NetOfRun, second: NetOfRun) -> tuple[str, ...]:
    """The conditions in which two trainings of a network differ."""
    ours, theirs = ({**net.record.conditions.columns, "code": net.record.code} for net in (first, second))
    return tuple(name for name in ours if ours[name] != theirs[name])
