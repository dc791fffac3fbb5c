"""Trains a recipe to the end of its schedule and tests it (§5, §6): every ablation is one of these.

After each part of an epoch it looks at training images, after each epoch at unseen ones. At the end the
network is tested by its centre view and by ten views, and on training images that it has seen, unaugmented.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pkgutil import resolve_name
from typing import Any

import torch
from torch import Tensor

from harness.contract.session import Session, TrialResult
from harness.contract.streams import stream_seed
from harness.contract.trial import Status, Trial
from harness.data.augmentation import Views
from harness.data.inputs.selection import Inputs
from harness.data.views import View, ten
from harness.models.layers import dropout
from harness.models.network import Net
from harness.records.image_bits import packed
from harness.training import artifacts, data_parallel, schedules, update
from harness.training.evaluate import judge, probabilities, wrong
from harness.training.loop import CurveRow, Epochs, Loop, Parts
from harness.training.recipe import Scheduled


def run(trial: Trial[Scheduled], session: Session) -> TrialResult:
    """Trains and tests the trial's network from its seed."""
    return Training(trial, session).run()


class Training:
    """A trial under way."""

    def __init__(self, trial: Trial[Scheduled], session: Session) -> None:
        """Reads the data, builds the network, takes up the checkpoint if there is one."""
        self.settings = trial.settings
        self.trial, self.session = trial, session
        self.device, self.ranks = torch.device(session.device), data_parallel.here()
        read = resolve_name(self.settings.reader.implementation)
        self.inputs: Inputs = read(self.settings, trial.seed, session.data, self.device)
        self.net = Net(self.settings.network).initialise(trial.seed).on(self.device)
        self.noise = torch.Generator(self.device)
        dropout.reseed(self.net, self.noise, self.ranks.rank, self.ranks.world)
        self.parts = Parts(self.inputs.count, self.settings.batch_size, self.settings.parts)
        self.epochs = Epochs(self._loop(), self.parts, session, self.settings.max_epochs)
        self.begun: tuple[int, bool] | None = None
        unseen = self.inputs.validation or self.inputs.test
        self.watched = self.inputs.sample.some(slice(self.settings.watched))
        self.validated = unseen.some(slice(self.settings.validated))

    def _loop(self) -> Loop:
        settings, ranks = self.settings, self.ranks
        groups = update.groups(self.net, settings.bias_rate_factor, settings.bias_decay)
        rule = update.Momentum2012(groups, settings.momentum)
        size = ranks.part(settings.batch_size)
        return Loop(self.net, rule, self.inputs.batches, self.trial.precision, size, ranks)

    def run(self) -> TrialResult:
        """Trains to the end, or to a loss that is no number."""
        while not (self.epochs.spent or self._setting().finished):
            if self._part()["loss"] is None:
                return self._outcome(Status.DIVERGED, {}, {})
            self.epochs.keep()
        outcome = self._outcome(Status.OK, *self._tested())
        self.session.checkpoint.unlink(missing_ok=True)
        return outcome

    def _setting(self) -> schedules.Setting:
        """What the schedule says of the next part."""
        epoch, iteration = self.epochs.part // self.parts.count, self.parts.iteration(self.epochs.part)
        seen = (row["validation_error"] for row in self.epochs.curve)
        return self.settings.schedule.at(epoch, iteration, [error for error in seen if error is not None])

    def _part(self) -> CurveRow:
        """Trains on the next part of an epoch, and looks."""
        setting = self._setting()
        update.apply(setting, self.epochs.loop.update)
        self.noise.manual_seed(stream_seed(self.trial.seed, "dropout", self.epochs.part))
        row = self.epochs.train(self._order(setting.colour))
        row |= {"rate": setting.rate} | self._look()
        return row

    def _order(self, colour: bool) -> Tensor:
        """The rank's images of the next part; their augmentation is drawn."""
        part, size = self.epochs.part, self.settings.batch_size
        epoch, order = part // self.parts.count, self.parts.order(self.trial.seed, part)
        if self.begun != (epoch, colour):
            self.inputs.batches.begin(epoch, order, colour)
            self.begun = epoch, colour
        return self.ranks.share(self.parts.cut(order, part), size)

    def _look(self) -> CurveRow:
        """Error and loss of the weights at hand on training images, and after an epoch on unseen ones."""
        watched, unseen = self.watched, self.validated
        found = self._centre(watched)
        row: CurveRow = {
            "train_error": judge(found, watched.images.labels).top1,
            "train_loss": _loss(found, watched),
            "validation_error": None,
        }
        if self.epochs.epoch_complete:
            row["validation_error"] = judge(self._centre(unseen), unseen.images.labels).top1
        return row

    def _tested(self) -> tuple[CurveRow, dict[str, Any]]:
        """Errors in percent of the trained network, and which images it got wrong by ten views.

        Leaves its weights and predictions to other trials.
        """
        sample, test = self.inputs.sample, self.inputs.test
        seen, centre = self._centre(sample), self._centre(test)
        views = ten(test.height, test.width, self.settings.augmentation.side)
        averaged = self._seen(test, views)
        if self.ranks.rank == 0:
            read = {"probabilities": averaged.half()} if self.settings.predictions else {}
            artifacts.save(self.session.artifacts.own, self.net, read)
        by = {
            "train": judge(seen, sample.images.labels),
            "centre": judge(centre, test.images.labels),
            "ten": judge(averaged, test.images.labels),
        }
        percent = {f"{n}_{k}": 100 * getattr(e, k) for n, e in by.items() for k in ("top1", "top5")}
        losses = {"train_loss": _loss(seen, sample), "test_loss": _loss(centre, test)}
        return percent | losses | {"ten_loss": _loss(averaged, test)}, {"wrong": _bits(averaged, test)}

    def _centre(self, views: Views) -> Tensor:
        """Probabilities (N, classes) of the centre views."""
        return self._seen(views, (views.centre,))

    def _seen(self, views: Views, chosen: Sequence[View]) -> Tensor:
        """Probabilities (N, classes) averaged over the chosen views; every rank sees a part of the images."""
        count = len(views.images)
        own = views.some(self.ranks.stretch(count))
        return self.ranks.joined(probabilities(self.net, own, chosen, self.trial.precision), count)

    def _outcome(self, status: Status, metrics: CurveRow, seen: dict[str, Any]) -> TrialResult:
        details = {"ranks": self.ranks.world, **seen} if self.ranks.world > 1 else seen
        return TrialResult(status, metrics, tuple(self.epochs.curve), self.epochs.loop.cost(), details)


def _bits(found: Tensor, views: Views) -> dict[str, Any]:
    """How many images, and which of them probabilities (N, classes) are wrong of."""
    top1, top5 = (packed(flags.cpu().numpy()) for flags in wrong(found, views.images.labels))
    return {"images": len(found), "ten_top1": top1, "ten_top5": top5}


def _loss(found: Tensor, views: Views) -> float | None:
    """Mean cross-entropy of probabilities (N, classes); None where it is no number."""
    right = found.gather(1, views.images.labels[:, None]).clamp_min(torch.finfo(torch.float32).tiny)
    loss = float(-right.log().mean())
    return loss if math.isfinite(loss) else None
