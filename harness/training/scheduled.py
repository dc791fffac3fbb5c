"""Trains a recipe to the end of its schedule and tests it (§5, §6): every ablation is one of these.

An epoch is cut into parts between batches; after each the curve gets a row and the training may stop, to go
on later as if it had not. What is looked at on the way costs no training time. At the end the network is
tested by its centre view and by ten views, and on training images that it has seen, unvaried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

import torch
from torch import Tensor

from harness.contract.session import Interrupted, Outcome, Progress, Session
from harness.contract.streams import generator
from harness.contract.trial import Status, Trial
from harness.data.augmentation import Views
from harness.data.images import Images
from harness.data.inputs import Inputs
from harness.data.views import ten
from harness.models.layers import dropout
from harness.models.network import Net
from harness.training import artifacts, checkpoint, data_parallel, schedules
from harness.training.evaluate import judge, probabilities
from harness.training.loop import Loop
from harness.training.recipe import Scheduled

Row = dict[str, float | None]


@dataclass
class Position:
    """How far the training is, with what was seen on the way."""

    part: int  # counted through all epochs
    curve: list[Row]
    errors: list[float]  # of the watched unseen images after each epoch


class Training:
    """A trial under way."""

    def __init__(self, trial: Trial, session: Session) -> None:
        """Reads the data, builds the network, takes up the checkpoint if there is one."""
        self.settings: Scheduled = trial.settings
        self.seed, self.precision, self.session = trial.seed, trial.precision, session
        self.device, self.ranks = torch.device(session.device), data_parallel.here()
        read = resolve_name(self.settings.reader.implementation)
        self.inputs: Inputs = read(self.settings, trial.seed, session.data, self.device)
        self.net = Net(self.settings.network).initialise(trial.seed).to(self.device)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.batches = math.ceil(self.inputs.count / self.settings.batch_size)
        self.parts = min(self.settings.parts, self.batches)
        self.begun: tuple[int, bool] | None = None
        self.loop = self._loop()
        unseen = self.inputs.validation or self.inputs.test
        self.watched = _first(self.inputs.sample, self.settings), _first(unseen, self.settings)
        self.position = self._resumed()

    def _loop(self) -> Loop:
        settings = self.settings
        groups = schedules.groups(self.net, settings.bias_rate_factor, settings.bias_decay)
        update = data_parallel.update_for(groups, settings.momentum, self.ranks)
        size = self.ranks.part(settings.batch_size)
        return Loop(self.net, update, self.inputs.batches, self.precision, size)  # type: ignore[arg-type]

    def _resumed(self) -> Position:
        state = checkpoint.load(self.session.checkpoint)
        if state is None:
            return Position(0, [], [])
        self.loop.restore(state["loop"])
        return Position(state["part"], state["curve"], state["errors"])

    def run(self) -> Outcome:
        """Trains to the end, or to a loss that is no number."""
        settings, position = self.settings, self.position
        while position.part < settings.max_epochs * self.parts and not self._setting().finished:
            row = self._part()
            if row["loss"] is None:
                return self._outcome(Status.DIVERGED, {})
            self.session.report(Progress(float(row["epoch"] or 0), settings.max_epochs, row["running_error"]))
            self._keep()
        outcome = self._outcome(Status.OK, self._tested())
        self.session.checkpoint.unlink(missing_ok=True)
        return outcome

    def _setting(self) -> schedules.Setting:
        epoch, part = divmod(self.position.part, self.parts)
        iteration = epoch * self.batches + part * self.batches // self.parts
        return self.settings.schedule.at(epoch, iteration, self.position.errors)

    def _part(self) -> Row:
        """Trains on the next part of an epoch, looks, and appends to the curve."""
        position, setting = self.position, self._setting()
        schedules.apply(setting, self.loop.update)
        noise = generator(self.seed, "dropout", position.part, device=self.device)
        dropout.reseed(self.net, noise, self.ranks.rank, self.ranks.world)
        loss, error = self.ranks.mean(self.loop.train(self._share(setting)), self.device)
        position.part += 1
        row: Row = {
            "epoch": position.part / self.parts,
            "rate": setting.rate,
            "running_error": error,
            "loss": loss if math.isfinite(loss) else None,
            "seconds": self.loop.clock.wall,
            "cpu_seconds": self.loop.clock.cpu,
        }
        position.curve.append(row | self._look())
        return row

    def _share(self, setting: schedules.Setting) -> Tensor:
        """The rank's images of the next part, in the epoch's own order, cut between batches."""
        epoch, part = divmod(self.position.part, self.parts)
        order = torch.randperm(self.inputs.count, generator=generator(self.seed, "order", epoch))
        if self.begun != (epoch, setting.colour):
            self.inputs.batches.begin(epoch, order, setting.colour)
            self.begun = epoch, setting.colour
        begin, end = (p * self.batches // self.parts * self.settings.batch_size for p in (part, part + 1))
        own = self.ranks.share(order[begin:end], self.settings.batch_size)
        self.inputs.expect(own, self.loop.size)
        return own

    def _look(self) -> Row:
        """Error and loss of the weights at hand on training images, and after an epoch on unseen ones."""
        sample, unseen = self.watched
        likely = probabilities(self.net, sample, (sample.centre,), self.precision)
        row: Row = {
            "train_error": judge(likely, sample.images.labels).top1,
            "train_loss": _loss(likely, sample),
            "unseen_error": None,
        }
        if self.position.part % self.parts == 0:
            likely = probabilities(self.net, unseen, (unseen.centre,), self.precision)
            error = judge(likely, unseen.images.labels).top1
            self.position.errors.append(error)
            row["unseen_error"] = error
        return row

    def _keep(self) -> None:
        """Checkpoints at the end of an epoch, or where the trial is asked to stop."""
        stopping = self.ranks.any(self.session.stopping(), self.device)
        if self.ranks.rank == 0 and (stopping or self.position.part % self.parts == 0):
            checkpoint.save(self.session.checkpoint, {"loop": self.loop.state(), **vars(self.position)})
        if stopping:
            raise Interrupted

    def _tested(self) -> Row:
        """Errors in percent of the trained network; leaves its weights and predictions to other trials."""
        sample, test = self.inputs.sample, self.inputs.test
        seen = probabilities(self.net, sample, (sample.centre,), self.precision)
        centre = probabilities(self.net, test, (test.centre,), self.precision)
        views = ten(test.height, test.width, self.settings.augmentation.side)
        averaged = probabilities(self.net, test, views, self.precision)
        if self.ranks.rank == 0:
            artifacts.save(
                self.session.artifacts.own, self.net, {"probabilities": averaged, "centre": centre}
            )
        by = {
            "train": judge(seen, sample.images.labels),
            "centre": judge(centre, test.images.labels),
            "ten": judge(averaged, test.images.labels),
        }
        percent = {f"{n}_{k}": 100 * getattr(e, k) for n, e in by.items() for k in ("top1", "top5")}
        return {**percent, "train_loss": _loss(seen, sample), "test_loss": _loss(centre, test)}

    def _outcome(self, status: Status, metrics: Row) -> Outcome:
        clock, images = self.loop.clock, self.loop.images * self.ranks.world
        cost: dict[str, float] = {
            "seconds": clock.wall,
            "cpu_seconds": clock.cpu,
            "images": float(images),
            "images_per_second": images / clock.wall if clock.wall else 0.0,
        }
        if self.device.type == "cuda":
            cost["peak_memory_bytes"] = float(torch.cuda.max_memory_allocated(self.device))
        details: dict[str, Any] = {"ranks": self.ranks.world} if self.ranks.world > 1 else {}
        return Outcome(status, metrics, tuple(self.position.curve), cost, details)


def run(trial: Trial, session: Session) -> Outcome:
    """Trains and tests the trial's network from its seed."""
    return Training(trial, session).run()


def _first(views: Views, settings: Scheduled) -> Views:
    """The first few images, those that are watched."""
    some = slice(settings.watched)
    images = Images(views.images.pixels[some], views.images.labels[some])
    return type(views)(images, views.mean, views.how)


def _loss(likely: Tensor, views: Views) -> float | None:
    """Mean cross-entropy of probabilities (N, classes); None where it is no number."""
    right = likely.gather(1, views.images.labels[:, None]).clamp_min(torch.finfo(torch.float32).tiny)
    loss = float(-right.log().mean())
    return loss if math.isfinite(loss) else None
