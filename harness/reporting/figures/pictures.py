"""Figures made of pictures: SVG written by hand, with pixels as PNG inside it, so that it stays one file.

A record may hold anything, so a picture is taken from it only where it is a PNG, and words are escaped.
"""

from __future__ import annotations

import base64
import html
import io
import struct
import zlib
from collections.abc import Iterable

from harness.reporting.figures.frame import ARMS, FACES, INK, Drawing

LARGEST = 96  # pixels a side: photographs are shown small, and a page should stay light
SIGNATURE = b"\x89PNG\r\n\x1a\n"
HEADER = 16.0  # what a caveat takes at the top


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


def caveat(width: float, said: str) -> list[str]:
    """What the figure must say of itself, at its upper right."""
    return [words(width - 6, 11, said, ARMS[1], 'text-anchor="end"')] if said else []


def box(x: float, y: float, width: float, height: float, more: str) -> str:
    """A rectangle with further attributes such as its colour."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" {more}/>'


def image(x: float, y: float, side: float, source: str, told: str = "") -> str:
    """A square picture with its pixels kept square, and what a reader is told who points at it."""
    label = f"<title>{html.escape(told)}</title>" if told else ""
    place = f'x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}"'
    return f'<image {place} style="image-rendering: pixelated" href="{source}">{label}</image>'


def png(side: int, pixels: bytes) -> str:
    """A square of 8-bit RGB pixels, row by row, as a data URI; stored, so that its bytes are always alike."""
    row = 3 * side
    raw = b"".join(b"\0" + pixels[i : i + row] for i in range(0, len(pixels), row))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(raw, 0)), (b"IEND", b""))
    return _uri(SIGNATURE + b"".join(_chunk(*chunk) for chunk in chunks))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def stored(encoded: object) -> str | None:
    """A record's PNG in base64 as a data URI, made small where it is large; None where it is no PNG."""
    from PIL import Image, UnidentifiedImageError  # comes with matplotlib; only drawing needs it

    try:
        data = base64.b64decode(str(encoded), validate=True)
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            picture.load()
            if max(picture.size) <= LARGEST:
                return _uri(data)
            picture.thumbnail((LARGEST, LARGEST))
            small = io.BytesIO()
            picture.save(small, "PNG")
            return _uri(small.getvalue())
    except (ValueError, OSError, UnidentifiedImageError, SyntaxError):
        return None


def _uri(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"
