"""Measurements of a trained network (§6): errors and losses by view, and which images it gets wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from harness.contract.trial import Precision
from harness.data.augmentation import Views
from harness.data.views import View, ten
from harness.models.network import Net
from harness.records.image_bits import packed
from harness.training.data_parallel import Ranks
from harness.training.evaluate import TopErrors, judge, probabilities, wrong

# Grey levels added to red, green and blue: brighter and darker, warmer and colder than any image.
SHIFTS = ((32, 32, 32), (-32, -32, -32), (24, 0, -24), (-24, 0, 24))


@dataclass(frozen=True)
class Observer:
    """A network to be tested; the ranks share the images, and each of them gets all results."""

    net: Net
    ranks: Ranks
    precision: Precision

    def centre(self, views: Views) -> Tensor:
        """Probabilities (N, classes) of the centre views."""
        return self.seen(views, (views.centre,))

    def ten(self, views: Views) -> Tensor:
        """Probabilities (N, classes) averaged over the ten views."""
        return self.seen(views, ten(views.height, views.width, views.how.side))

    def seen(self, views: Views, chosen: Sequence[View]) -> Tensor:
        """Probabilities (N, classes) averaged over the chosen views; every rank sees a part of the images."""
        count = len(views.images)
        own = views.some(self.ranks.stretch(count))
        return self.ranks.joined(probabilities(self.net, own, chosen, self.precision), count)

    def shifted(self, views: Views) -> float:
        """Error on the centre views of images with shifted colours, as a fraction; mean over `SHIFTS`."""
        images = (views.shifted(torch.tensor(shift, dtype=torch.float32)) for shift in SHIFTS)
        return fmean(judge(self.centre(some), views.images.labels).top1 for some in images)


@dataclass(frozen=True)
class Predictions:
    """Probabilities (N, classes) of labelled images, on every rank."""

    found: Tensor
    labels: Tensor

    def errors(self) -> TopErrors:
        """Top-1 and top-5 error."""
        return judge(self.found, self.labels)

    def bits(self) -> tuple[str, str]:
        """Which images are wrong by top-1, and by top-5, one bit each."""
        top1, top5 = (packed(flags.cpu().numpy()) for flags in wrong(self.found, self.labels))
        return top1, top5

    def loss(self) -> float | None:
        """Mean cross-entropy in nats; None if it is not finite."""
        right = self.found.gather(1, self.labels[:, None]).clamp_min(torch.finfo(torch.float32).tiny)
        loss = float(-right.log().mean())
        return loss if math.isfinite(loss) else None


def metrics(by_view: Mapping[str, Predictions]) -> dict[str, float | None]:
    """Errors of `train`, `centre` and `ten` in percent, and their losses."""
    found: dict[str, float | None] = {}
    for name, predictions in by_view.items():
        errors = predictions.errors()
        found[f"{name}_top1"], found[f"{name}_top5"] = 100 * errors.top1, 100 * errors.top5
        found["test_loss" if name == "centre" else f"{name}_loss"] = predictions.loss()
    return found


def bits(by_view: Mapping[str, Predictions]) -> dict[str, Any]:
    """How many images were tested, and which of them were wrong; for training images by top-1 alone."""
    train, centre, averaged = (by_view[name] for name in ("train", "centre", "ten"))
    ten_top1, ten_top5 = averaged.bits()
    return {
        "images": len(averaged.found),
        "ten_top1": ten_top1,
        "ten_top5": ten_top5,
        "centre_top1": centre.bits()[0],
        "train_images": len(train.found),
        "train_top1": train.bits()[0],
    }
