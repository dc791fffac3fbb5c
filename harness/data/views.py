"""What a network sees of an image, as data: random crops in training, fixed views in tests (§4.1). No torch.

The text counts 2048 crops and flips of a 256-pixel image, 32 × 32 × 2; its ten test views include the last
row and column, and the 2012 source draws from 33 × 33 × 2 = 2178. Here, too, every offset that fits is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from harness.contract.errors import BadValue


class MeanCrop(StrEnum):
    """Which part of the mean image is subtracted from a crop."""

    OWN = "own"  # the text: every pixel loses its own mean, cropped and flipped with it
    CENTRE = "centre"  # the 2012 source: the centre of the mean image, unflipped, whatever the crop


class Spread(StrEnum):
    """The factor of a colour-noise draw along each principal component."""

    EIGENVALUE = "eigenvalue"  # the text
    DEVIATION = "deviation"  # the 2012 source: the eigenvalue's square root


@dataclass(frozen=True)
class ColourNoise:
    """PCA colour noise of §4.1: one draw from N(0, `sigma`²) per component, image and epoch.

    An eigenvalue has a unit, but the text names none. `white` is the value of white on the scale on which it
    is computed: on raw 0–255 pixels the first eigenvalue of photographs is about 13,000, hence noise of 1,300
    grey levels, which no image survives; on 0–1 it is 5 grey levels. The deviation needs no such choice: 11
    grey levels.
    """

    sigma: float = 0.1
    spread: Spread = Spread.EIGENVALUE
    white: float = 1.0
    divisor: float = 1.0  # for noisy inputs less the mean; the source's 1 + σ keeps the scale of test inputs


@dataclass(frozen=True)
class Augmentation:
    """How training images are augmented: `side`-pixel crops, flips, colours; test views share side and mean.

    `sharing` consecutive images of an epoch share one crop and flip: 1 is the text's, 32 the 2012 source's.
    """

    side: int = 224
    crops: bool = True  # else the centre
    flips: bool = True
    sharing: int = 1
    colour: ColourNoise | None = None
    mean: MeanCrop = MeanCrop.OWN

    def __post_init__(self) -> None:
        """ValueError for fewer than one sharing image or pixel."""
        if self.sharing < 1 or self.side < 1:
            raise ValueError(f"sharing {self.sharing} and side {self.side} must be at least 1")


@dataclass(frozen=True)
class View:
    """A crop by its top left corner, mirrored left to right if `flip`."""

    top: int
    left: int
    flip: bool = False


def offsets(length: int, side: int) -> int:
    """How many positions a crop of `side` pixels has along `length`; BadValue if it does not fit."""
    if side > length:
        raise BadValue(f"crops of {side} pixels do not fit in images of {length}; take larger images")
    return length - side + 1


def centre(height: int, width: int, side: int) -> View:
    """The centre crop; of two possible centres the upper left one."""
    return View((offsets(height, side) - 1) // 2, (offsets(width, side) - 1) // 2)


def ten(height: int, width: int, side: int) -> tuple[View, ...]:
    """The ten test views (§4.1): four corners and the centre, then their mirror images in the same order."""
    bottom, right = offsets(height, side) - 1, offsets(width, side) - 1
    corners = [View(top, left) for top in (0, bottom) for left in (0, right)]
    upright = [*corners, centre(height, width, side)]
    return *upright, *(View(v.top, v.left, flip=True) for v in upright)
