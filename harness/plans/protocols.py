"""The scales at which the paper's ImageNet claims are run, and how each one trains an arm.

`smoke` shows that everything runs. `cifar10` is the proxy: AlexNet in small on all of CIFAR-10. `imagenette`
is the paper's own network on ten classes of photographs. `imagenet` is what the paper did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.contract.trial import Precision
from harness.data.views import Augmentation, ColourNoise
from harness.models.alexnet import RECIPES as NETWORKS
from harness.models.proxy import narrowed, small
from harness.plans.ablation import Arm
from harness.plans.experiment import Protocol
from harness.training.recipe import Photographs, Recipe, Scheduled, scheduled
from harness.training.recipes import RECIPES
from harness.training.schedules import Drops, Schedule


@dataclass(frozen=True)
class Small:
    """The proxy: 24×24 crops of CIFAR-10, the paper's augmentation and update, a shorter schedule."""

    schedule: Schedule
    network: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, arm: Arm) -> Scheduled:
        """The arm in small; only its network is taken from its recipe."""
        network = small(NETWORKS[arm.recipe], **(dict(self.network) | dict(arm.network)))
        augmentation = replace(Augmentation(side=24, colour=ColourNoise()), **arm.augmentation)
        return scheduled(Recipe("small", network, self.schedule, augmentation), **self.measured)


@dataclass(frozen=True)
class Full:
    """The paper's network on photographs; at `imagenet` with its recipe's own schedule and augmentation."""

    dataset: str
    classes: int
    schedule: Schedule | None = None
    width: float = 1.0
    batch_size: int | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, arm: Arm) -> Scheduled:
        """The arm as the paper trained it, or as far as this scale goes."""
        own = RECIPES.get(arm.recipe, RECIPES["paper"])
        options = {"classes": self.classes} | dict(arm.network)
        recipe = replace(
            own,
            network=narrowed(NETWORKS[arm.recipe], self.width, **options),
            schedule=self.schedule or own.schedule,
            batch_size=self.batch_size or own.batch_size,
            augmentation=replace(own.augmentation, **arm.augmentation),
        )
        return scheduled(recipe, dataset=self.dataset, **self.measured)


EPOCHS = 8
PROXY = (
    "CIFAR-10 in place of ImageNet: 24×24 crops of 32×32 images, ten classes.",
    "AlexNet in small: two columns of 24-48-64-64-48 maps, 256 hidden units, conv1 5×5 without stride; "
    "standard deviations of the weights scaled so that σ √(fan-in) is the paper's.",
    f"{EPOCHS} epochs at batch 128, the rate dropped after declared epochs; the paper's 90 epochs followed "
    "the validation error.",
)
SMOKE = Protocol(
    "smoke",
    "512 images, one epoch of AlexNet in small: shows that everything runs",
    "cifar10",
    2,
    Small(
        Drops(0.01, (), 1),
        {"width": 0.5},
        {"images": 512, "test_images": 200, "max_epochs": 1, "parts": 2, "sample": 200, "watched": 100},
    ),
    ("One epoch on 512 images of CIFAR-10: says nothing about the claim.",),
    Precision.FP32,
)
CIFAR10 = Protocol(
    "cifar10",
    "AlexNet in small on all of CIFAR-10",
    "cifar10",
    5,
    Small(
        Drops(0.02, (6, 7), EPOCHS),
        measured={"max_epochs": EPOCHS, "parts": 8, "watched": 1_000},
    ),
    PROXY,
)
PHOTOGRAPHS = ("Imagenette's ten classes in place of ImageNet's thousand.",)
IMAGENETTE = Protocol(
    "imagenette",
    "the paper's network at 224 pixels on all of Imagenette, for a GPU",
    "imagenette",
    5,
    Full(
        "imagenette",
        10,
        Drops(0.01, (60, 80), 90),
        measured={"reader": Photographs(), "max_epochs": 90, "parts": 4, "sample": 1_000, "watched": 500},
    ),
    PHOTOGRAPHS,
)
SHORT = Protocol(
    "imagenette-short",
    "the paper's network at a quarter of its width, at 224 pixels, for two cores",
    "imagenette",
    3,
    Full(
        "imagenette",
        10,
        Drops(0.005, (37, 45), 50),
        width=0.25,
        batch_size=32,
        measured={"reader": Photographs(), "max_epochs": 50, "parts": 1, "sample": 500, "watched": 200},
    ),
    (
        *PHOTOGRAPHS,
        "A quarter of every layer's units, standard deviations of the weights scaled so that σ √(fan-in) is "
        "the paper's.",
        "50 epochs of as many images as are at hand, at batch 32 (so few give too few updates at 128) and a "
        "rate of .005 (at .01 the net without dropout dies at once), which drops after declared epochs.",
    ),
)
# The text's schedule ends at 90 epochs by itself, the logged one at 93.
WHOLE = {"reader": Photographs(), "max_epochs": 93, "parts": 40, "watched": 50_000}
IMAGENET = Protocol(
    "imagenet",
    "the paper's network, recipe and data: ILSVRC-2010, 90 epochs",
    "imagenet-2010",
    3,
    Full("imagenet-2010", 1000, measured=WHOLE),
)
IMAGENET_2012 = Protocol(
    "imagenet",
    "the paper's network and recipe on ILSVRC-2012, 90 epochs",
    "imagenet",
    3,
    Full("imagenet", 1000, measured=WHOLE),
    ("ILSVRC-2012 has no labelled test images: the rate drops by the error on those tested on.",),
)
EVERY = (SMOKE, CIFAR10, IMAGENETTE, SHORT, IMAGENET)
