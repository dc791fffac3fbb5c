"""Attributes of a curve figure's parts, by which a page can read off their values and hide some of them.

A drawn part carries its arm, what it shows and its seed; the SVG says where its axes lie. From these
`templates/curves.js` turns a line's points back into values, so that no number is written twice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 72  # an inch: the unit of matplotlib's SVG
MARK = re.compile(r' id="part\|([^|"]*)\|([^|"]*)\|([^|"]*)"')


def mark(part: Artist, arm: str, shows: str = "", seed: int | None = None) -> None:
    """Tags a part with its origin; without `shows` it is hidden with its arm, and no value is read off."""
    names = (arm, shows, "" if seed is None else str(seed))
    part.set_gid("|".join(("part", *(name.replace("|", "/") for name in names))))


def marked(drawn: str) -> str:
    """The SVG with those tags as data attributes."""
    return MARK.sub(lambda found: _attributes(*found.groups()), drawn)


def _attributes(arm: str, shows: str, seed: str) -> str:
    more = f' data-shows="{shows}"' * bool(shows) + f' data-seed="{seed}"' * bool(seed)
    return f' data-arm="{arm}"{more}'


def scale(figure: Figure, axes: Axes, unit: str) -> str:
    """Attributes of an SVG: where its axes end, at which values, and their unit."""
    width, height = (POINTS * inches for inches in figure.get_size_inches())
    place = axes.get_position()
    ends = (place.x0 * width, place.x1 * width, (1 - place.y0) * height, (1 - place.y1) * height)
    values = (*axes.get_xlim(), *axes.get_ylim())
    return f' data-axes="{" ".join(f"{x:.6g}" for x in (*ends, *values))}" data-unit="{unit}"'
