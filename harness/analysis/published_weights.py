"""Evaluates given weights on a data set, without training: their errors beside the published ones.

Images are scaled and cropped as everywhere else here (§2). How pixels become inputs depends on the weights:
a mean image is subtracted for ours and the paper's, a mean colour for Caffe's; torchvision's are normalised
by channel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from harness.contract.device import CPU, Device
from harness.contract.errors import BadValue, DataError, UnknownName
from harness.contract.progress import SILENT, Tracker
from harness.data import datasets, sources
from harness.data.augmentation import Views
from harness.data.images import Images
from harness.data.views import Augmentation, View, centre, ten
from harness.models import published
from harness.models.network import Net
from harness.records.conditions import DataIdentity
from harness.training.evaluate import judge, probabilities

AT_ONCE = 1024  # images that are moved to the device together
VIEWS = {"centre": ("centre",), "ten": ("ten",), "both": ("centre", "ten")}
# The classes of imagenette among ImageNet's thousand, sorted by WordNet id.
IMAGENETTE = {
    "n01440764": 0,
    "n02102040": 217,
    "n02979186": 482,
    "n03000684": 491,
    "n03028079": 497,
    "n03394916": 566,
    "n03417042": 569,
    "n03425413": 571,
    "n03445777": 574,
    "n03888257": 701,
}


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate: weights of a variant, on which images, by which views."""

    weights: Path
    variant: str = "torchvision"
    dataset: str = "imagenet"
    split: str = "val"
    views: str = "both"
    normalisation: str | None = None
    device: Device = CPU
    data_dir: Path | None = None


@dataclass(frozen=True)
class Result:
    """Errors in percent by one choice of views, and the number of images they were counted on."""

    views: str
    top1: float
    top5: float
    images: int


@dataclass(frozen=True)
class Evaluation:
    """What was requested, on which data, and the results."""

    asked: EvaluationRequest
    data: DataIdentity
    normalisation: str
    results: tuple[Result, ...]


class Normalised(Views):
    """Views of images as given weights take them: (x / white − mean) / deviation, by channel."""

    def __init__(
        self, images: Images, mean: Tensor, how: Augmentation, rule: published.Normalisation
    ) -> None:
        """`mean` is the training set's mean image; a rule with a mean colour does not need it."""
        super().__init__(images, mean if rule.mean is None else torch.zeros_like(mean), how)
        self.rule = rule

    def see(self, chosen: Tensor, view: View) -> Tensor:
        """One view of the images at `chosen`, channels-last float32 (n, 3, side, side)."""
        inputs, rule = super().see(chosen, view), self.rule
        if rule.white != 1:
            inputs = inputs.div_(rule.white)
        if rule.mean is not None:
            inputs = inputs.sub_(_by_channel(rule.mean, inputs))
        return inputs if rule.deviation is None else inputs.div_(_by_channel(rule.deviation, inputs))


def _by_channel(values: tuple[float, float, float], like: Tensor) -> Tensor:
    return torch.tensor(values, device=like.device).view(3, 1, 1)


def evaluate(asked: EvaluationRequest, tracker: Tracker = SILENT) -> Evaluation:
    """Runs the network over the split; raises one of the project's errors if anything does not fit."""
    if asked.views not in VIEWS:
        raise UnknownName("choice of views", asked.views, VIEWS)
    rule = asked.normalisation or published.normalisation_of(asked.variant)
    if rule not in published.NORMALISATIONS:
        raise UnknownName("normalisation", rule, published.NORMALISATIONS)
    device = torch.device(asked.device.torch)
    net = published.load(asked.variant, asked.weights).to(device)
    source = _source(asked)
    images = datasets.split(source.place or Path(), asked.split)
    outputs = _outputs(asked, source, net.description.output[0])
    labels = torch.tensor(outputs)[images.labels]
    mean, _ = _mean(asked, source, rule)
    results = [
        _result(name, net, _portions(images, mean.to(device), net, rule, tracker), labels)
        for name in VIEWS[asked.views]
    ]
    return Evaluation(asked, source.identity, rule, tuple(results))


def _source(asked: EvaluationRequest) -> sources.Source:
    if asked.dataset == "cifar10":
        raise BadValue("--data cifar10 has images of 32 pixels; name a data set of photographs")
    source = sources.find(asked.dataset, asked.data_dir)
    if source is None or source.place is None:
        raise sources.missing(asked.dataset, asked.data_dir)
    return source


def _mean(asked: EvaluationRequest, source: sources.Source, rule: str) -> tuple[Tensor, object]:
    """The mean training image, where it is needed."""
    if published.NORMALISATIONS[rule].mean is not None:
        return torch.zeros(256, 256, 3), None
    return datasets.mean_and_basis(asked.dataset, source.place)


def _outputs(asked: EvaluationRequest, source: sources.Source, outputs: int) -> list[int]:
    """The network's output for each of the data set's classes."""
    names = datasets.class_names(asked.dataset, source.place)
    if len(names) == outputs:
        return list(range(outputs))
    if asked.dataset == "imagenette" and outputs == 1000 and set(names) <= set(IMAGENETTE):
        return [IMAGENETTE[name] for name in names]
    raise DataError(
        f"{asked.weights} has {outputs} classes and {asked.dataset} has {len(names)}; "
        "use --data to choose the data set that the weights were trained on"
    )


def _portions(images: Images, mean: Tensor, net: Net, rule: str, tracker: Tracker) -> Iterator[Views]:
    """The images as views on the device of `mean`, some at a time."""
    how = Augmentation(side=net.description.input[1])
    with tracker.task("seeing the images", len(images), unit="images") as advance:
        for begin in range(0, len(images), AT_ONCE):
            some = slice(begin, begin + AT_ONCE)
            part = Images(images.pixels[some], images.labels[some]).to(mean.device)
            yield Normalised(part, mean, how, published.NORMALISATIONS[rule])
            advance(len(part))


def _result(name: str, net: Net, portions: Iterator[Views], labels: Tensor) -> Result:
    found = torch.cat([probabilities(net, views, _views(name, views)).cpu() for views in portions])
    errors = judge(found, labels)
    return Result(name, 100 * errors.top1, 100 * errors.top5, len(labels))


def _views(name: str, views: Views) -> tuple[View, ...]:
    size = views.height, views.width, views.how.side
    return ten(*size) if name == "ten" else (centre(*size),)
