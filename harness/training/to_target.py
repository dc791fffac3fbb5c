"""Time to a training error (§3.1, Figure 1): trains until the current weights are at or under the target.

The running error of the passing minibatches only decides when to look. A crossing counts when the
current weights, on a fixed sample of training images, are at or under the target; looking costs no
training time. The crossing lies in the part of an epoch that ends there: the part before ended with a
look above the target, or with a running error that was still far from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.contract.session import Interrupted, Outcome, Progress, Session
from harness.contract.streams import generator
from harness.contract.trial import Status, Trial
from harness.data.images import Batches, Images, load
from harness.models.network import Net
from harness.training import checkpoint
from harness.training.loop import Loop
from harness.training.settings import ToTarget
from harness.training.update import for_network

Row = dict[str, float | None]


@dataclass
class Position:
    """How far the training is, with what was seen on the way."""

    part: int  # of the looks_per_epoch parts of an epoch, counted through all epochs
    curve: list[Row]


def run(trial: Trial, session: Session) -> Outcome:
    """Trains the trial's network from its seed until the target, its budget or a divergence."""
    settings: ToTarget = trial.settings
    images = load(settings.dataset, session.data).first(settings.images).centre(settings.crop)
    loop = _loop(trial, images, torch.device(session.device))
    position = _resume(loop, settings, session)
    sample = torch.randperm(settings.images, generator=generator(0, "sample"))[: settings.sample]
    while position.part < settings.max_epochs * settings.looks_per_epoch:
        row = _part(loop, settings, trial.seed, position, sample)
        if row["loss"] is None:
            return _outcome(Status.DIVERGED, loop, position, None)
        if _reached(row, settings):
            session.checkpoint.unlink(missing_ok=True)
            return _outcome(Status.OK, loop, position, row)
        session.report(Progress(float(row["epoch"] or 0), settings.max_epochs, row["running_error"]))
        _keep(loop, settings, session, position)
    return _outcome(Status.OK, loop, position, None)


def _loop(trial: Trial, images: Images, device: torch.device) -> Loop:
    settings: ToTarget = trial.settings
    mean = images.mean().to(device)
    net = Net(settings.network).initialise(trial.seed).to(device)
    net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    update = for_network(net, settings.rate, settings.rate * settings.bias_rate_factor, settings.momentum)
    return Loop(net, update, Batches(images.to(device), mean), trial.precision, settings.batch_size)


def _part(loop: Loop, settings: ToTarget, seed: int, position: Position, sample: Tensor) -> Row:
    """Trains on the next part of an epoch, looks at the target where it is near, appends to the curve."""
    loss, error = loop.train(_share(settings, seed, position.part))
    position.part += 1
    row: Row = {
        "epoch": position.part / settings.looks_per_epoch,
        "running_error": error,
        "loss": loss if math.isfinite(loss) else None,
        "sample_error": loop.error(sample) if error <= settings.watch_from else None,
        "seconds": loop.clock.wall,
        "cpu_seconds": loop.clock.cpu,
    }
    position.curve.append(row)
    return row


def _share(settings: ToTarget, seed: int, part: int) -> Tensor:
    """The images of one part of an epoch, in the epoch's own order, cut between batches."""
    epoch, part = divmod(part, settings.looks_per_epoch)
    order = torch.randperm(settings.images, generator=generator(seed, "order", epoch))
    batches = math.ceil(settings.images / settings.batch_size)
    begin, end = (p * batches // settings.looks_per_epoch * settings.batch_size for p in (part, part + 1))
    return order[begin:end]


def _reached(row: Row, settings: ToTarget) -> bool:
    return row["sample_error"] is not None and row["sample_error"] <= settings.target


def _resume(loop: Loop, settings: ToTarget, session: Session) -> Position:
    """The position in the checkpoint, if there is one within the budget; else the beginning."""
    state = checkpoint.load(session.checkpoint)
    if state is None or state["part"] > settings.max_epochs * settings.looks_per_epoch:
        return Position(0, [])
    loop.restore(state["loop"])
    return Position(state["part"], state["curve"])


def _keep(loop: Loop, settings: ToTarget, session: Session, position: Position) -> None:
    """Checkpoints at the end of an epoch, or where the trial is asked to stop."""
    stopping = session.stopping()
    if stopping or position.part % settings.looks_per_epoch == 0:
        checkpoint.save(session.checkpoint, {"loop": loop.state(), **vars(position)})
    if stopping:
        raise Interrupted


def _outcome(status: Status, loop: Loop, position: Position, reached: Row | None) -> Outcome:
    nothing: Row = {"epoch": 0.0, "seconds": 0.0, "cpu_seconds": 0.0}
    *_, before, last = nothing, nothing, *position.curve
    metrics = {"reached": float(reached is not None), "final_running_error": last.get("running_error")}
    for name, unit in (("epochs", "epoch"), ("seconds", "seconds"), ("cpu_seconds", "cpu_seconds")):
        metrics[f"{name}_low"] = (before if reached else last)[unit]
        metrics[f"{name}_high"] = last[unit] if reached else None
    cost: dict[str, float] = {
        "seconds": loop.clock.wall,
        "cpu_seconds": loop.clock.cpu,
        "images": float(loop.images),
        "images_per_second": loop.images / loop.clock.wall if loop.clock.wall else 0.0,
    }
    if loop.device.type == "cuda":
        cost["peak_memory_bytes"] = float(torch.cuda.max_memory_allocated(loop.device))
    return Outcome(status, metrics, tuple(position.curve), cost)
