"""Time to a training error (§3.1, Figure 1): trains until the current weights are at or under the target.

The running error over minibatches only decides when to look. A crossing counts when the error of the
current weights, on a fixed sample of training images, is at or under the target; looking costs no training
time. The crossing lies in the part of an epoch that ends with this look: the part before it ended with a
look above the target, or with a running error that was still far from it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from harness.contract.session import Session, TrialResult
from harness.contract.streams import generator
from harness.contract.trial import Status, Trial
from harness.data.images import Batches, load
from harness.models.network import Net
from harness.training.loop import CurveRow, Epochs, Loop, Parts
from harness.training.settings import ToTarget
from harness.training.update import for_network


def run(trial: Trial[ToTarget], session: Session) -> TrialResult:
    """Trains the trial's network from its seed until it reaches the target, spends its budget or diverges."""
    settings = trial.settings
    parts = Parts(settings.images, settings.batch_size, settings.looks_per_epoch)
    epochs = Epochs(_loop(trial, session), parts, session, settings.max_epochs)
    sample = torch.randperm(settings.images, generator=generator(0, "sample"))[: settings.sample]
    while not epochs.spent:
        row = _part(epochs, settings, trial.seed, sample)
        if row["loss"] is None:
            return _outcome(Status.DIVERGED, epochs, None)
        if _reached(row, settings):
            session.checkpoint.unlink(missing_ok=True)
            return _outcome(Status.OK, epochs, row)
        epochs.keep()
    return _outcome(Status.OK, epochs, None)


def _loop(trial: Trial[ToTarget], session: Session) -> Loop:
    settings = trial.settings
    device = torch.device(session.device)
    images = load(settings.dataset, session.data).first(settings.images).centre(settings.crop)
    mean = images.mean().to(device)
    net = Net(settings.network).initialise(trial.seed).on(device)
    update = for_network(net, settings.rate, settings.bias_rate_factor, settings.momentum)
    return Loop(net, update, Batches(images.to(device), mean), trial.precision, settings.batch_size)


def _part(epochs: Epochs, settings: ToTarget, seed: int, sample: Tensor) -> CurveRow:
    """Trains on the next part of an epoch, and measures the sample's error if the target is near."""
    order = epochs.parts.order(seed, epochs.part)
    row = epochs.train(epochs.parts.cut(order, epochs.part))
    near = (row["running_error"] or 0.0) <= settings.watch_from
    row["sample_error"] = epochs.loop.error(sample) if near else None
    return row


def _reached(row: CurveRow, settings: ToTarget) -> bool:
    return row["sample_error"] is not None and row["sample_error"] <= settings.target


def _outcome(status: Status, epochs: Epochs, reached: CurveRow | None) -> TrialResult:
    nothing: CurveRow = {"epoch": 0.0, "seconds": 0.0, "cpu_seconds": 0.0}
    *_, before, last = nothing, nothing, *epochs.curve
    metrics = {
        "reached": float(reached is not None),
        "final_running_error": last.get("running_error"),
    }
    for name, unit in (("epochs", "epoch"), ("seconds", "seconds"), ("cpu_seconds", "cpu_seconds")):
        metrics[f"{name}_low"] = (before if reached else last)[unit]
        metrics[f"{name}_high"] = last[unit] if reached else None
    return TrialResult(status, metrics, tuple(epochs.curve), epochs.loop.cost())
