"""The scales at which the paper's ImageNet claims are run, and how each one trains an arm.

`smoke` shows that everything runs. A proxy is there for what it can show: `cifar10-converged`, a small
AlexNet trained on all of CIFAR-10 until its schedule is spent, for claims on accuracy; `cifar10-scarce`, the
same on a tenth of the images, for claims on overfitting; `imagenette-short` and `imagenette`, the paper's own
network on photographs of ten classes, for either. `imagenet` is what the paper did.
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
from harness.plans.arm_rates import Rates
from harness.plans.experiment import Check, Protocol
from harness.training.scheduled.recipe import Photographs, Recipe, Scheduled, scheduled
from harness.training.scheduled.recipes import RECIPES
from harness.training.schedules import Drops


@dataclass(frozen=True)
class Proxy:
    """The proxy: 24×24 crops of CIFAR-10, the paper's augmentation and update, a shorter schedule."""

    schedule: Drops
    network: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = 128
    measured: Mapping[str, Any] = field(default_factory=dict)
    rates: Rates | None = None
    baselines: int = 1

    def settings(self, arm: Arm) -> Scheduled:
        """The arm with the proxy network; only its network is taken from its recipe."""
        network = small(NETWORKS[arm.recipe], **(dict(self.network) | dict(arm.network)))
        augmentation = replace(Augmentation(side=24, colour=ColourNoise()), **arm.augmentation)
        recipe = Recipe("proxy", network, self.schedule, augmentation, self.batch_size)
        return scheduled(recipe, **self.measured)


@dataclass(frozen=True)
class Full:
    """The paper's network on photographs, by its recipe; without a schedule, by the recipe's own."""

    dataset: str
    classes: int
    schedule: Drops | None = None
    width: float = 1.0
    batch_size: int | None = None
    measured: Mapping[str, Any] = field(default_factory=dict)
    rates: Rates | None = None
    baselines: int = 1

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
OWN_RATE = ("schedule.rate",)  # what differs from arm to arm where each has its own learning rate
TRAINED_ENOUGH = (Check.UNDER_FITTED, Check.HALVES)
EARLY = 2  # epochs
DROPPED = "The rate drops after declared epochs; the paper's followed the validation error."
TUNED = (
    "Each arm at its own learning rate: the schedule's, half or twice as much, by the mean ten-view error of "
    "three tuning seeds on training images held out for it."
)
OF_THE_PROXY = (
    "CIFAR-10 in place of ImageNet: 24×24 crops of 32×32 images, ten classes.",
    "A proxy network: two columns of 24-48-64-64-48 maps, conv1 5×5 without stride; standard deviations of "
    "the weights scaled so that σ √(fan-in) is the paper's.",
)
SMOKE = Protocol(
    "smoke",
    "512 images, one epoch of the proxy network: shows that everything runs",
    "cifar10",
    2,
    Proxy(
        Drops(0.01, (), 1),
        {"width": 0.5, "hidden": 256},
        measured={"images": 512, "test_images": 200, "max_epochs": 1, "parts": 2, "sample": 200}
        | looked_at(100)
        | LEFT,
    ),
    ("One epoch on 512 images of CIFAR-10: says nothing about the claim.",),
    Precision.FP32,
)


def converged(name: str, summary: str, drops: tuple[int, ...], epochs: int) -> Protocol:
    """The proxy on all of CIFAR-10 with 1,024 hidden units, 32 parameters an image."""
    return Protocol(
        name,
        summary,
        "cifar10",
        5,
        Proxy(
            Drops(0.02, drops, epochs),
            {"hidden": 1024},
            measured={"max_epochs": epochs, "parts": 2} | looked_at(2_000) | LEFT,
            rates=Rates(5_000),
            baselines=3,
        ),
        (
            *OF_THE_PROXY,
            "1,024 hidden units.",
            _trained_for(epochs),
            DROPPED,
            TUNED,
        ),
        per_arm=OWN_RATE,
        gates=TRAINED_ENOUGH,
        under_fitted=True,
    )


def _trained_for(epochs: int) -> str:
    return f"{epochs} epochs at batch 128; the paper trained for 90."


def early(protocol: Protocol, name: str, parts: int) -> Protocol:
    """The protocol's first two epochs, evaluated after each of `parts` parts of an epoch; ten seeds."""
    scale = protocol.settings
    drops: Drops = scale.schedule
    measured = dict(scale.measured) | {"max_epochs": EARLY, "parts": parts}
    of_longer = (DROPPED, LOGGED_DROPS, _trained_for(scale.measured["max_epochs"]))
    return replace(
        protocol,
        name=name,
        summary=f"the first two epochs of {protocol.name}",
        seeds=10,
        settings=replace(
            scale, schedule=replace(drops, epochs=(), end=EARLY), measured=measured, baselines=1
        ),
        deviations=(*(d for d in protocol.deviations if d not in of_longer), "Only two epochs."),
    )


CONVERGED = converged(
    "cifar10-converged", "the proxy network on all of CIFAR-10, 40 epochs", (25, 33, 38), 40
)
CONVERGED_SHORT = converged(
    "cifar10-converged-short",
    "the proxy network on all of CIFAR-10, 20 epochs, for two cores",
    (13, 17, 19),
    20,
)
SCARCE = Protocol(
    "cifar10-scarce",
    "the proxy network on 5,000 images of CIFAR-10, 120 epochs: it overfits",
    "cifar10",
    5,
    Proxy(
        Drops(0.01, (90, 110), 120),
        {"hidden": 256},
        32,
        {"images": 5_000, "max_epochs": 120, "parts": 1, "sample": 5_000} | looked_at(2_000),
        Rates(5_000),
        3,
    ),
    (
        *OF_THE_PROXY,
        "5,000 training images, 51 parameters an image (the paper: 48); 256 hidden units, 120 epochs at "
        "batch 32.",
        DROPPED,
        TUNED,
    ),
    per_arm=OWN_RATE,
    gates=TRAINED_ENOUGH,
    under_fitted=True,
)
# Where the text leaves something open, or counts otherwise.
OF_THE_TEXT = (
    "Colour noise by eigenvalues of pixels from 0 to 1: the text names no scale, and on 0 to 255 no image "
    "would survive.",
    "Inputs of 224 pixels are padded by three at the right and bottom, as in the 2012 source: without that "
    "they do not give 55 × 55.",
    "33 × 33 × 2 = 2,178 crops of an image, where the text counts 2,048.",
    "Biases decay like weights, as the text does not tell them apart; in the 2012 source they do not decay.",
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
        rates=Rates(1_000),
        baselines=3,
    ),
    (*TEN_CLASSES, *OF_THE_TEXT, DROPPED, TUNED),
    per_arm=OWN_RATE,
    gates=TRAINED_ENOUGH,
)
SHORT = Protocol(
    "imagenette-short",
    "the paper's network at a quarter of its width, at 224 pixels, for two cores",
    "imagenette",
    5,
    Full(
        "imagenette",
        10,
        Drops(0.005, (37, 45), 50),
        width=0.25,
        batch_size=32,
        measured={"reader": Photographs(), "max_epochs": 50, "parts": 1, "sample": 1_000, **looked_at(500)},
        rates=Rates(400),
        baselines=3,
    ),
    (
        *TEN_CLASSES,
        *OF_THE_TEXT,
        "A quarter of every layer's units, standard deviations of the weights scaled so that σ √(fan-in) is "
        "the paper's.",
        "50 epochs of as many images as are at hand, at batch 32 (so few give too few updates at 128) and a "
        "rate of .005 (at .01 the net without dropout dies at once).",
        DROPPED,
        TUNED,
    ),
    per_arm=OWN_RATE,
    gates=TRAINED_ENOUGH,
    under_fitted=True,
)
# Every arm learns at the same rates for the same time: the epochs after which the authors lowered theirs.
LOGGED_EPOCHS = Drops(0.01, (23, 51, 78), 90)
LOGGED_DROPS = "The rate drops after the epochs of the authors' log, not by the validation error."
WHOLE = {"reader": Photographs(), "max_epochs": 90, "parts": 10, "watched": 2_000, "validated": 10_000}
IMAGENET = Protocol(
    "imagenet",
    "the paper's network, recipe and data: ILSVRC-2010, 90 epochs, the rate lowered as logged",
    "imagenet-2010",
    5,
    Full("imagenet-2010", 1000, LOGGED_EPOCHS, measured=WHOLE),
    (*OF_THE_TEXT, LOGGED_DROPS),
)
IMAGENET_2012 = Protocol(
    "imagenet",
    "the paper's network and recipe on ILSVRC-2012, 90 epochs, the rate lowered as logged",
    "imagenet",
    5,
    Full("imagenet", 1000, LOGGED_EPOCHS, measured=WHOLE | LEFT),
    (*OF_THE_TEXT, LOGGED_DROPS),
)
# The text's own rule needs all validation images, and ends at an epoch of its own: for one arm alone.
PLATEAU = Protocol(
    "imagenet-plateau",
    "as `imagenet`, the rate lowered when the validation error stops improving, as the text has it",
    "imagenet-2010",
    5,
    Full("imagenet-2010", 1000, measured=WHOLE | {"validated": None}),
    OF_THE_TEXT,
    scale="imagenet",
)
PHOTOGRAPHS = (IMAGENETTE, SHORT)
# For claims on accuracy, and for claims on overfitting.
ON_ACCURACY = (SMOKE, CONVERGED, CONVERGED_SHORT, *PHOTOGRAPHS, IMAGENET)
ON_OVERFITTING = (SMOKE, *PHOTOGRAPHS, SCARCE, IMAGENET)
