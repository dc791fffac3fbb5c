"""Text as LaTeX shows it."""

from __future__ import annotations

MARKUP = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    sign: f"\\{sign}" for sign in "&%$#_{}"
}
SIGNS = {
    "×": r"$\times$", "÷": r"$\div$", "−": "$-$", "≥": r"$\geq$", "≤": r"$\leq$", "→": r"$\to$",
    "∞": r"$\infty$", "–": "--", "<": "$<$", ">": "$>$",
}  # fmt: skip


def latex(words: str) -> str:
    """The words with all markup escaped."""
    return "".join(MARKUP.get(sign, SIGNS.get(sign, sign)) for sign in words)
