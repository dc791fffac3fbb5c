"""Figures made of pictures: SVG written by hand, with pixels as PNG inside it, so that it stays one file.

A record may hold anything, so a picture is taken from it only if it is a PNG, and text is escaped.
"""

from __future__ import annotations

import base64
import html
import io
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.reporting.figures.drawing.frame import ARMS, FACES, INK, Drawing

if TYPE_CHECKING:
    from PIL import Image

LARGEST = 96  # pixels a side: photographs are shown small, and a page should stay light
HEADING = 13.0  # a line of a heading
LETTER = 6.8  # mean width of a bold letter of a heading, in the widest face


def drawing(
    name: str, size: tuple[float, float], title: str, said: str, parts: Iterable[str], wide: bool = False
) -> Drawing:
    """The parts on a canvas of `size`, with a title and, as caption and description, what they show."""
    width, height = size
    inside = "\n".join(parts)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}pt" '
        f'height="{height:g}pt" role="img" aria-labelledby="{name}-title {name}-desc" '
        f'font-family="{html.escape(FACES)}" font-size="9">\n<title id="{name}-title">{html.escape(title)}'
        f'</title><desc id="{name}-desc">{html.escape(said)}</desc>\n{inside}\n</svg>\n'
    )
    return Drawing(name, svg, f"{title}. {said}", wide)


def words(x: float, y: float, said: str, colour: str = INK, more: str = "") -> str:
    """A line of text that begins at x, with further attributes such as an anchor."""
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" {more}>{html.escape(said)}</text>'


def wrapped(said: str, width: float) -> list[str]:
    """The lines of a heading in a drawing of that width."""
    return textwrap.wrap(said, int(width / LETTER))


def heading(x: float, width: float, bold: str, plain: str = "") -> list[str]:
    """What the figure shows, in its first lines."""
    looks = ['font-size="10" font-weight="bold"'] * len(wrapped(bold, width))
    lines = [*wrapped(bold, width), *wrapped(plain, width)]
    looks += ['font-size="10"'] * (len(lines) - len(looks))
    return [words(x, HEADING * (i + 1), line, INK, looks[i]) for i, line in enumerate(lines)]


def caveat(width: float, said: str) -> list[str]:
    """The figure's warning, at its upper right."""
    return [words(width - 6, 11, said, ARMS[1], 'text-anchor="end"')] if said else []


def box(x: float, y: float, width: float, height: float, more: str) -> str:
    """A rectangle with further attributes such as its colour."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" {more}/>'


def image(x: float, y: float, side: float, source: str, label: str = "") -> str:
    """A square picture with its pixels kept square, and a label shown on hover."""
    title = f"<title>{html.escape(label)}</title>" if label else ""
    place = f'x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}"'
    return f'<image {place} style="image-rendering: pixelated" href="{source}">{title}</image>'


def picture(place: tuple[float, float], size: tuple[float, float], source: str) -> str:
    """A picture of any shape with its pixels kept square."""
    (x, y), (width, height) = place, size
    box = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<image {box} style="image-rendering: pixelated" href="{source}"/>'


def sheet(width: int, height: int, parts: Iterable[tuple[int, int, int, bytes]]) -> str:
    """Squares of 8-bit RGB pixels at their places on a clear sheet, as a data URI.

    Stored uncompressed, so that its bytes are always the same.
    """
    from PIL import Image  # only drawing needs it

    whole = Image.new("RGBA", (width, height))
    for x, y, side, pixels in parts:
        whole.paste(Image.frombytes("RGB", (side, side), pixels), (x, y))
    return _uri(whole, compress_level=0)


def stored(encoded: object) -> str | None:
    """A record's base64 PNG as a data URI, scaled down if large; None if it is not a PNG."""
    from PIL import Image, UnidentifiedImageError

    try:
        data = base64.b64decode(str(encoded), validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            picture.load()
            if max(picture.size) <= LARGEST:
                return _data_uri(data)
            picture.thumbnail((LARGEST, LARGEST))
            return _uri(picture)
    except (ValueError, OSError, UnidentifiedImageError, SyntaxError):
        return None


def _uri(picture: Image.Image, **options: int) -> str:
    written = io.BytesIO()
    picture.save(written, "PNG", **options)
    return _data_uri(written.getvalue())


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
