"""Made-up records of a difference claim: its first arm's error is 40 %, the others' a given amount higher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import reproductions
from harness.contract.device import DeviceKind
from harness.contract.trial import Trial
from harness.plans.experiment import Experiment, gather
from harness.records.conditions import Conditions, DataIdentity, Form
from harness.records.keys import canonical
from harness.records.record import Record
from harness.records.store import Store
from tests.fakes.evidence.trials import record_for

EPOCHS = [float(epoch) for epoch in range(1, 21)]  # of a loss that has flattened


def conditions(dataset: str, form: Form = Form.PACK) -> Conditions:
    """A machine that has the data set, or the stand-in for it."""
    return Conditions(DeviceKind.CPU, "2.13.0", DataIdentity(dataset, form, "made up"))


def experiment(name: str, seeds: int, protocol: str = "imagenet", form: Form = Form.PACK) -> Experiment:
    """The reproduction of that name at a protocol, on its data."""
    found = reproductions.named(name)
    scale = found.protocol(protocol)
    assert scale.dataset is not None
    return Experiment(found, scale, seeds, conditions(scale.dataset, form))


def records(asked: Experiment, differences: Sequence[float]) -> list[Record]:
    """A record for every trial, with the top-1 difference of its seed in points; top-5 follows it."""

    def record(trial: Trial, more: float) -> Record:
        top1 = {"ten": 40 + more, "centre": 42 + more, "train": 30.0}
        errors = {
            f"{n}_{k}": e / (1 if k == "top1" else 2) for n, e in top1.items() for k in ("top1", "top5")
        }
        made = record_for(trial, asked.conditions, **errors, train_loss=1.0, test_loss=2.0)
        return replace(made, curve=tuple({"epoch": e, "rate": 0.01, "train_loss": 1.0} for e in EPOCHS))

    known: dict[str, Record] = {}
    while True:  # a plan that tunes rates names the other trials once the rates are known
        evidence = gather(asked.reproduction, asked.protocol, asked.seeds, lambda t: known.get(canonical(t)))
        if not evidence.missing:
            return list(known.values())
        for p in evidence.missing:
            more = 0.0 if p.arm == evidence.arms[0] else differences[p.trial.seed % len(differences)]
            known[canonical(p.trial)] = record(p.trial, more)


def stored(
    root: Path,
    name: str,
    differences: Sequence[float],
    protocol: str = "imagenet",
    form: Form = Form.PACK,
) -> Store:
    """A store with the whole experiment: one seed per difference."""
    asked, store = experiment(name, len(differences), protocol, form), Store(root)
    for record in records(asked, differences):
        store.append(record)
    asked.ask(store)
    return store
