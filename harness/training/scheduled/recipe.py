"""What a training needs, as data: network, schedule, augmentation, and how it is measured. Needs no torch.

Initialisation, bias constants, weight decay and dropout belong to the network's layers (`harness.models`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from harness.contract.device import DeviceKind
from harness.contract.trial import LABEL
from harness.data.views import Augmentation
from harness.models.description import Network, Weighted
from harness.training.schedules import Schedule


@dataclass(frozen=True)
class Recipe:
    """A network and all that its training needs except data and a seed; the defaults are the text's (§5)."""

    name: str = field(metadata=LABEL)
    network: Network
    schedule: Schedule
    augmentation: Augmentation
    batch_size: int = 128
    momentum: float = 0.9
    bias_rate_factor: float = 1.0  # multiplies the rate that the schedule gives biases
    bias_decay: bool = True  # whether biases decay as their layer's weights do

    def __post_init__(self) -> None:
        """ValueError if the parts do not fit together."""
        _, *sides = self.network.input
        if sides != [self.augmentation.side] * 2:
            raise ValueError(f"{self.name}: crops of {self.augmentation.side} for an input of {sides}")
        layers = {layer.name for layer in self.network.layers if isinstance(layer, Weighted)}
        if unknown := self.schedule.names - layers:
            raise ValueError(f"{self.name}: the schedule names layers {sorted(unknown)} that are not there")


@dataclass(frozen=True)
class Resident:
    """CIFAR-10, held completely in the memory of the device that trains."""

    implementation: ClassVar[str] = "harness.data.inputs.resident:inputs"


@dataclass(frozen=True)
class Photographs:
    """Packed photographs memory-mapped from disk, or a folder of photographs held in memory."""

    implementation: ClassVar[str] = "harness.data.inputs.mapped:inputs"


@dataclass(frozen=True)
class Altered:
    """CIFAR-10 as a training with a common mistake sees it."""

    implementation: ClassVar[str] = "harness.data.inputs.altered:inputs"
    scale: float = 1.0  # what inputs are multiplied by; 1 is the paper's scale, on which white is 255
    centred: bool = True  # whether the mean image is subtracted
    shuffled: bool = True  # whether images come in random order; otherwise one class after another


@dataclass(frozen=True)
class Scheduled(Recipe):
    """A recipe to train to the end of its schedule, on which images, and what to measure on the way."""

    implementation: ClassVar[str] = "harness.training.scheduled.program:run"
    exclusive: ClassVar[bool] = False
    device: ClassVar[DeviceKind | None] = None
    dataset: str = "cifar10"
    reader: Any = field(default_factory=Resident)
    images: int | None = None  # of the training set; None: all
    held_out: int = 0  # of the training set: not trained on, but tested on in place of the test images
    test_images: int | None = None
    max_epochs: int = 90
    parts: int = 10  # of an epoch: each gives a row of the curve, and a place to stop and resume
    sample: int = 10_000  # training images that the training error is measured on
    watched: int = 2_000  # of these, those looked at after every part of an epoch
    validated: int | None = 2_000  # unseen images looked at after every epoch; None: all
    predictions: bool = False  # whether the ten-view probabilities are saved for other trials

    @property
    def summary(self) -> str:
        """`rate 0.01, 8 epochs`, with the initial rate."""
        epochs = "1 epoch" if self.max_epochs == 1 else f"{self.max_epochs} epochs"
        return f"rate {self.schedule.at(0, 0, ()).rate:g}, {epochs}"

    def most_images(self, training_set: int) -> int:
        """The most images that a trial may train on; an upper bound on its cost."""
        return (self.images or training_set - self.held_out) * self.max_epochs

    def most_evaluated(self, test_set: int) -> int:
        """Its looks after parts and epochs; at the end the sample, and the test images in twelve views."""
        tested = self.held_out or self.test_images or test_set
        unseen = tested if self.validated is None else min(self.validated, tested)
        return self.max_epochs * (self.parts * self.watched + unseen) + self.sample + 12 * tested


def scheduled(recipe: Recipe, **measured: Any) -> Scheduled:
    """The recipe as settings of a trial; `measured` are the fields that `Scheduled` adds."""
    return Scheduled(**{f.name: getattr(recipe, f.name) for f in fields(Recipe)}, **measured)
