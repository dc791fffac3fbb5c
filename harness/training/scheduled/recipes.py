"""Training recipes at the paper's scale: the text's, that of the 2012 source, and Caffe's. Needs no torch."""

from __future__ import annotations

from harness.contract.errors import UnknownName
from harness.data.views import Augmentation, ColourNoise, MeanCrop, Spread
from harness.models.alexnet import alexnet
from harness.training.scheduled.recipe import Recipe
from harness.training.schedules import LOGGED, Plateau, Steps

# The text has one rate and one decay for all weights and does not treat biases separately.
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
