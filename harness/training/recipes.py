"""Training recipes as data: the text's, that of the 2012 source, and Caffe's. Needs no torch.

Initialisation, bias constants, weight decay and dropout belong to the network's layers (`harness.models`).
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.data.views import Augmentation, ColourNoise, MeanCrop, Spread
from harness.errors import UnknownName
from harness.models.alexnet import alexnet
from harness.models.description import Network, Weighted
from harness.training.schedules import LOGGED, Plateau, Schedule, Steps


@dataclass(frozen=True)
class Recipe:
    """A network and all that its training needs but data and a seed; the defaults are the text's (§5)."""

    name: str
    network: Network
    schedule: Schedule
    augmentation: Augmentation
    batch_size: int = 128
    momentum: float = 0.9
    bias_rate_factor: float = 1.0  # the biases' rate, in that which the schedule gives them
    bias_decay: bool = True  # whether biases decay as their layer's weights do

    def __post_init__(self) -> None:
        """ValueError where the parts do not fit each other."""
        _, *sides = self.network.input
        if sides != [self.augmentation.side] * 2:
            raise ValueError(f"{self.name}: crops of {self.augmentation.side} for an input of {sides}")
        layers = {layer.name for layer in self.network.layers if isinstance(layer, Weighted)}
        if unknown := self.schedule.names - layers:
            raise ValueError(f"{self.name}: the schedule names layers {sorted(unknown)} that are not there")


# The text has one rate and one decay for all weights and does not set biases apart.
PAPER = Recipe("paper", alexnet("paper"), Plateau(), Augmentation(colour=ColourNoise()))
SOURCE_2012 = Recipe(
    "source-2012",
    alexnet("source-2012"),
    LOGGED,
    Augmentation(
        sharing=32,
        colour=ColourNoise(spread=Spread.DEVIATION, divisor=1.1),
        mean=MeanCrop.CENTRE,
    ),
    bias_rate_factor=2.0,
    bias_decay=False,
)
CAFFE = Recipe(
    "caffe",
    alexnet("caffe"),
    Steps(),
    Augmentation(side=227),
    batch_size=256,
    bias_rate_factor=2.0,
    bias_decay=False,
)
RECIPES = {recipe.name: recipe for recipe in (PAPER, SOURCE_2012, CAFFE)}


def recipe(name: str) -> Recipe:
    """The named recipe; UnknownName for a wrong name."""
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    return RECIPES[name]
