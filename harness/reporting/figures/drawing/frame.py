"""The frame around every figure: colours, type, and SVG whose bytes depend on the records alone.

Matplotlib is imported only when something is drawn. Colours are named here once; on the page they
become CSS variables, so that a figure follows the reader's light or dark scheme.
"""

from __future__ import annotations

import html
import io
import re
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.reporting.figures.drawing import traces

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, MUTED, FRAME, PAPER, BAND = "#23272e", "#5f6772", "#c9ced6", "#ffffff", "#dcebe2"
# Okabe and Ito's hues, darkened to 4.5:1 on white; dashes tell the arms apart without colour.
ARMS = ("#0b62a4", "#b8440c", "#00735a", "#8c4a86", "#8a6100", "#45505e")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)), (0, (8, 2)), (0, (3, 3)))
THEME = {INK: "ink", MUTED: "muted", FRAME: "frame", PAPER: "paper", BAND: "band"} | {
    colour: f"arm-{i}" for i, colour in enumerate(ARMS)
}
TALL = 0.6  # of its width
LINE = 53  # letters in a line of a heading, in the widest face
WIDTH = 5.0  # inches: legible both on a phone and in the page's widest column
STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "repro",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.edgecolor": FRAME,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": FRAME,
    "ytick.color": FRAME,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "path.simplify": False,
}
NEEDLESS = re.compile(
    r"\s*<metadata>.*?</metadata>|font-family: 'DejaVu Sans'; ?| transform=\"rotate\(-0 [^\"]*\"", re.DOTALL
)
PLACE = re.compile(r' (?:d|x|y|transform)="[^"]*"')  # no other attribute: an arm's name may have numbers too
FINER = re.compile(r"(?<=\.\d{3})\d+")  # than can be seen, or read off a curve
# DejaVu is the widest of the usual sans faces: what fits in it fits in any of these.
FACES = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Drawing:
    """A figure: its file's stem, the SVG, and a caption that says what it shows."""

    name: str
    svg: str
    caption: str
    wide: bool = False  # takes the page's width, and on a phone scrolls in its frame

    @property
    def title(self) -> str:
        """What it is of: the caption's first sentence."""
        return self.caption.partition(". ")[0]

    @property
    def tall(self) -> bool:
        """Whether it leaves no room below it, beside what is told of it."""
        size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', self.svg)
        return size is not None and float(size[2]) > TALL * float(size[1])

    @property
    def inline(self) -> str:
        """The SVG to stand in a page: colours as CSS variables, the printed ones to fall back on."""
        return re.sub(r"#[0-9a-f]{6}\b(?=[;\"])", _variable, self.svg)


def _variable(colour: re.Match[str]) -> str:
    name = THEME.get(colour[0])
    return f"var(--fig-{name}, {colour[0]})" if name else colour[0]


@contextmanager
def frame(height: float, heading: str, caveat: str) -> Iterator[Figure]:
    """An empty figure of `height` inches with its heading and, opposite, its warning."""
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", STYLE]):  # whatever the user's matplotlibrc says
        figure = Figure(figsize=(WIDTH, height))
        top = 1 - 0.1 / height
        figure.text(0.015, top, textwrap.fill(heading, LINE), va="top", fontsize=10, fontweight="bold")
        figure.text(0.985, top, caveat, va="top", ha="right", fontsize=8.5, color=ARMS[1])
        yield figure


def svg(figure: Figure, name: str, title: str, description: str, scale: str = "") -> str:
    """The figure as SVG, with a title and a description for those who cannot see it.

    `scale` gives the position of a curve figure's axes (`traces.scale`).
    """
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    drawn = buffer.getvalue()
    drawn = _light(drawn[drawn.index("<svg") :])
    return _described(_unique(traces.marked(drawn), name), name, title, description, scale)


def _light(drawn: str) -> str:
    """The drawing without needless decimals, and without the font of every single word."""
    return PLACE.sub(lambda place: FINER.sub("", place[0]), NEEDLESS.sub("", drawn))


def _unique(drawn: str, name: str) -> str:
    """Identifiers made unique to the page; those that nothing refers to are dropped."""
    used = set(re.findall(r"#([\w-]+)\b(?=[\")])", drawn))
    drawn = re.sub(r' id="([^"]+)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", drawn)
    return re.sub(r"(href=\"|url\()#", rf"\g<1>#{name}-", drawn)


def _described(drawn: str, name: str, title: str, description: str, scale: str) -> str:
    opening, rest = drawn.split(">", 1)
    labels = f'role="img" aria-labelledby="{name}-title {name}-desc"{scale}'
    labels += f' font-family="{html.escape(FACES)}"'
    words = f'<title id="{name}-title">{html.escape(title)}</title>'
    words += f'<desc id="{name}-desc">{html.escape(description)}</desc>'
    return f"{opening} {labels}>\n {words}{rest}"
