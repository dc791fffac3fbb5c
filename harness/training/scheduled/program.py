"""Trains a recipe to the end of its schedule and tests it (§5, §6): every ablation is one of these.

After each part of an epoch it is evaluated on training images, after each epoch on unseen ones. At the end
the network is tested by its centre view and by ten views, and on training images it has seen, unaugmented.
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import Any

import torch
from torch import Tensor

from harness.contract.session import Session, TrialResult
from harness.contract.streams import stream_seed
from harness.contract.trial import Status, Trial
from harness.data.augmentation import Views
from harness.data.inputs.selection import Inputs
from harness.models.layers import dropout
from harness.models.network import Net
from harness.training import artifacts, data_parallel, schedules, update
from harness.training.loop import CurveRow, Epochs, Loop, Parts
from harness.training.scheduled import norm_spread, tested
from harness.training.scheduled.recipe import Scheduled
from harness.training.scheduled.tested import Observer, Predictions


def run(trial: Trial[Scheduled], session: Session) -> TrialResult:
    """Trains and tests the trial's network from its seed."""
    return Training(trial, session).run()


class Training:
    """A trial in progress."""

    def __init__(self, trial: Trial[Scheduled], session: Session) -> None:
        """Reads the data, builds the network, resumes from the checkpoint if there is one."""
        self.settings = trial.settings
        self.trial, self.session = trial, session
        self.device, self.ranks = torch.device(session.device), data_parallel.here()
        read = resolve_name(self.settings.reader.implementation)
        self.inputs: Inputs = read(self.settings, trial.seed, session.data, self.device)
        self.net = Net(self.settings.network).initialise(trial.seed).on(self.device)
        self.observer = Observer(self.net, self.ranks, trial.precision)
        self.noise = torch.Generator(self.device)
        dropout.reseed(self.net, self.noise, self.ranks.rank, self.ranks.world)
        self.parts = Parts(self.inputs.count, self.settings.batch_size, self.settings.parts)
        self.epochs = Epochs(self._loop(), self.parts, session, self.settings.max_epochs)
        self.begun: tuple[int, bool] | None = None
        unseen = self.inputs.validation or self.inputs.test
        self.watched = self.inputs.sample.spaced(self.settings.watched)
        self.validated = unseen.spaced(self.settings.validated)

    def _loop(self) -> Loop:
        settings, ranks = self.settings, self.ranks
        groups = update.groups(self.net, settings.bias_rate_factor, settings.bias_decay)
        rule = update.Momentum2012(groups, settings.momentum)
        size = ranks.part(settings.batch_size)
        return Loop(self.net, rule, self.inputs.batches, self.trial.precision, size, ranks)

    def run(self) -> TrialResult:
        """Trains to the end, or until the loss is not finite."""
        while not (self.epochs.spent or self._setting().finished):
            if self._part()["loss"] is None:
                return self._outcome(Status.DIVERGED, {}, {})
            self.epochs.keep()
        outcome = self._outcome(Status.OK, *self._tested())
        self.session.checkpoint.unlink(missing_ok=True)
        return outcome

    def _setting(self) -> schedules.Setting:
        """The schedule's setting for the next part."""
        epoch, iteration = self.epochs.part // self.parts.count, self.parts.iteration(self.epochs.part)
        seen = (row["validation_error"] for row in self.epochs.curve)
        return self.settings.schedule.at(epoch, iteration, [error for error in seen if error is not None])

    def _part(self) -> CurveRow:
        """Trains on the next part of an epoch, and evaluates."""
        setting = self._setting()
        update.apply(setting, self.epochs.loop.update)
        self.noise.manual_seed(stream_seed(self.trial.seed, "dropout", self.epochs.part))
        row = self.epochs.train(self._order(setting.colour))
        row |= {"rate": setting.rate} | self._look()
        return row

    def _order(self, colour: bool) -> Tensor:
        """The rank's images of the next part; draws their augmentation."""
        part, size = self.epochs.part, self.settings.batch_size
        epoch, order = part // self.parts.count, self.parts.order(self.trial.seed, part)
        if self.begun != (epoch, colour):
            self.inputs.batches.begin(epoch, order, colour)
            self.begun = epoch, colour
        return self.ranks.share(self.parts.cut(order, part), size)

    def _look(self) -> CurveRow:
        """Error and loss of the current weights on training images, and after an epoch on unseen ones."""
        seen = self._predicted(self.watched)
        row: CurveRow = {"train_error": seen.errors().top1, "train_loss": seen.loss()}
        row |= {"validation_error": None, "validation_loss": None}
        if self.epochs.epoch_complete:
            unseen = self._predicted(self.validated)
            row |= {"validation_error": unseen.errors().top1, "validation_loss": unseen.loss()}
        return row

    def _predicted(self, views: Views) -> Predictions:
        """What the current weights predict for the centre views."""
        return Predictions(self.observer.centre(views), views.images.labels)

    def _tested(self) -> tuple[CurveRow, dict[str, Any]]:
        """Errors and losses of the trained network; which images it got wrong, and what its norms do.

        Saves its weights and predictions for other trials.
        """
        sample, test = self.inputs.sample, self.inputs.test
        averaged = Predictions(self.observer.ten(test), test.images.labels)
        by_view = {"train": self._predicted(sample), "centre": self._predicted(test), "ten": averaged}
        if self.ranks.rank == 0:
            read = {"probabilities": averaged.found.half()} if self.settings.predictions else {}
            artifacts.save(self.session.artifacts.own, self.net, read)
        shifted = {"shifted_top1": 100 * self.observer.shifted(test)}
        norms = norm_spread.of(self.net, test)
        return tested.metrics(by_view) | shifted, {"wrong": tested.bits(by_view), "norms": norms}

    def _outcome(self, status: Status, metrics: CurveRow, seen: dict[str, Any]) -> TrialResult:
        details = {"ranks": self.ranks.world, **seen} if self.ranks.world > 1 else seen
        return TrialResult(status, metrics, tuple(self.epochs.curve), self.epochs.loop.cost(), details)
