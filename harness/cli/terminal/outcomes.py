"""How outcomes look in a terminal: each has one colour wherever it is printed."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from harness.verdicts.verdict import Outcome

STYLES: Mapping[Outcome, str] = {
    Outcome.REPRODUCED: "green",
    Outcome.DIRECTIONAL: "cyan",
    Outcome.NOT_REPRODUCED: "red",
    Outcome.INCONCLUSIVE: "yellow",
    Outcome.INVALID: "bold red",
    Outcome.REPORTED: "magenta",
}
OTHERS = "dim"


def styled(outcome: Outcome, words: str) -> Text:
    """The words in the outcome's colour."""
    return Text(words, STYLES.get(outcome, OTHERS))
