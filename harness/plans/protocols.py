"""The scales at which the paper's ImageNet claims are run, and how each one trains an arm.

`smoke` shows that everything runs. `cifar10` is the proxy: a small AlexNet on all of CIFAR-10. `imagenette`
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
class Proxy:
    """The proxy: 24×24 crops of CIFAR-10, the paper's augmentation and update, a shorter schedule."""

    schedule: Schedule
    network: Mapping[str, Any] = field(default_factory=dict)
    measured: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, arm: Arm) -> Scheduled:
        """The arm with the proxy network; only its network is taken from its recipe."""
        network = small(NETWORKS[arm.recipe], **(dict(self.network) | dict(arm.network)))
        augmentation = replace(Augmentation(side=24, colour=ColourNoise()), **arm.augmentation)
        return scheduled(Recipe("proxy", network, self.schedule, augmentation), **self.measured)


@dataclass(frozen=True)
class Full:
    """The paper's network on photographs, by its recipe; without a schedule, by the recipe's own."""

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


def looked_at(images: int) -> dict[str, int]:
    """How many training images after every part of an epoch, and as many unseen ones after every epoch."""
    return {"watched": images, "validated": images}


LEFT = {"predictions": True}  # `ensemble` averages them
EPOCHS = 8
OF_THE_PROXY = (
    "CIFAR-10 in place of ImageNet: 24×24 crops of 32×32 images, ten classes.",
    "A proxy network: two columns of 24-48-64-64-48 maps, 256 hidden units, conv1 5×5 without stride; "
    "standard deviations of the weights scaled so that σ √(fan-in) is the paper's.",
    f"{EPOCHS} epochs at batch 128, the rate dropped after declared epochs; the paper's 90 epochs followed "
    "the validation error.",
)
SMOKE = Protocol(
    "smoke",
    "512 images, one epoch of the proxy network: shows that everything runs",
    "cifar10",
    2,
    Proxy(
        Drops(0.01, (), 1),
        {"width": 0.5},
        {"images": 512, "test_images": 200, "max_epochs": 1, "parts": 2, "sample": 200}
        | looked_at(100)
        | LEFT,
    ),
    ("One epoch on 512 images of CIFAR-10: says nothing about the claim.",),
    Precision.FP32,
)
CIFAR10 = Protocol(
    "cifar10",
    "the proxy network on all of CIFAR-10",
    "cifar10",
    5,
    Proxy(
        Drops(0.02, (6, 7), EPOCHS),
        measured={"max_epochs": EPOCHS, "parts": 8} | looked_at(1_000) | LEFT,
    ),
    OF_THE_PROXY,
)
TEN_CLASSES = ("Imagenette's ten classes in place of ImageNet's thousand.",)
IMAGENETTE = Protocol(
    "imagenette",
    "the paper's network at 224 pixels on all of Imagenette, for a GPU",
    "imagenette",
    5,
    Full(
        "imagenette",
        10,
        Drops(0.01, (60, 80), 90),
        measured={"reader": Photographs(), "max_epochs": 90, "parts": 4, "sample": 1_000}
        | looked_at(500)
        | LEFT,
    ),
    TEN_CLASSES,
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
        measured={"reader": Photographs(), "max_epochs": 50, "parts": 1, "sample": 500, **looked_at(200)},
    ),
    (
        *TEN_CLASSES,
        "A quarter of every layer's units, standard deviations of the weights scaled so that σ √(fan-in) is "
        "the paper's.",
        "50 epochs of as many images as are at hand, at batch 32 (so few give too few updates at 128) and a "
        "rate of .005 (at .01 the net without dropout dies at once), which drops after declared epochs.",
    ),
)
# Every arm learns at the same rates for the same time: the epochs after which the authors lowered theirs.
LOGGED_EPOCHS = Drops(0.01, (23, 51, 78), 90)
WHOLE = {"reader": Photographs(), "max_epochs": 90, "parts": 10, "watched": 2_000, "validated": 10_000}
IMAGENET = Protocol(
    "imagenet",
    "the paper's network, recipe and data: ILSVRC-2010, 90 epochs, the rate lowered as logged",
    "imagenet-2010",
    5,
    Full("imagenet-2010", 1000, LOGGED_EPOCHS, measured=WHOLE),
)
IMAGENET_2012 = Protocol(
    "imagenet",
    "the paper's network and recipe on ILSVRC-2012, 90 epochs, the rate lowered as logged",
    "imagenet",
    5,
    Full("imagenet", 1000, LOGGED_EPOCHS, measured=WHOLE | LEFT),
)
# The text's own rule needs all validation images, and ends at an epoch of its own: for one arm alone.
PLATEAU = Protocol(
    "imagenet-plateau",
    "as `imagenet`, the rate lowered when the validation error stops improving, as the text has it",
    "imagenet-2010",
    5,
    Full("imagenet-2010", 1000, measured=WHOLE | {"validated": None}),
)
EVERY = (SMOKE, CIFAR10, IMAGENETTE, SHORT, IMAGENET)
