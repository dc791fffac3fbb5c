"""What can be said of a claim, and what each of these words means: the one place where that is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a verdict can say: each is explained by `MEANINGS`."""

    REPRODUCED = "reproduced"
    DIRECTIONAL = "directional"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"
    SMOKE = "smoke"
    REPORTED = "reported"
    NOT_RUN = "not run"

    @property
    def judged(self) -> bool:
        """Whether it is a judgement of the paper's claim, if only that nothing is decided."""
        return self in (
            Outcome.REPRODUCED,
            Outcome.DIRECTIONAL,
            Outcome.NOT_REPRODUCED,
            Outcome.INCONCLUSIVE,
        )

    @property
    def side(self) -> int:
        """1 where it speaks for the claim, −1 where it speaks against it, else 0."""
        return {Outcome.REPRODUCED: 1, Outcome.DIRECTIONAL: 1, Outcome.NOT_REPRODUCED: -1}.get(self, 0)

    @property
    def says(self) -> int:
        """How much it says for the claim beside other outcomes; 0 where there is no evidence."""
        return SAYS.get(self, 0)


# From most to least, of outcomes that rest on evidence.
SAYS: Mapping[Outcome, int] = {
    Outcome.REPRODUCED: 5,
    Outcome.DIRECTIONAL: 4,
    Outcome.INCONCLUSIVE: 3,
    Outcome.NOT_REPRODUCED: 2,
    Outcome.REPORTED: 1,
    Outcome.SMOKE: 1,
}


class Fails(StrEnum):
    """At what a comparison of two sets of verdicts is to fail."""

    WORSE = "worse"  # a verdict that says less for its claim, or is gone
    CHANGED = "changed"  # any verdict that reads otherwise, or an effect that is not the same


# In the order in which a report counts and explains them.
MEANINGS: Mapping[Outcome, str] = {
    Outcome.REPRODUCED: "the 90 % interval lies inside the band and the 95 % interval excludes no effect",
    Outcome.DIRECTIONAL: "the 95 % interval excludes no effect on the paper's side; the size is not shown",
    Outcome.NOT_REPRODUCED: "the 95 % interval lies outside the band and not on the paper's side",
    Outcome.INCONCLUSIVE: "none of these: the n that would decide is given",
    Outcome.INVALID: "the runs cannot be compared, or could not have shown it; the reason is given",
    Outcome.SMOKE: "shows only that the code runs: never a verdict",
    Outcome.REPORTED: "set beside the paper's figure, never judged",
    Outcome.NOT_RUN: "nothing was measured, or not yet enough to look at",
}


@dataclass(frozen=True)
class Verdict:
    """An outcome, what qualifies it, the reasons in words (gate or rule, interval, band), and any advice."""

    claim: str
    protocol: str | None
    outcome: Outcome
    reasons: tuple[str, ...]
    qualifier: str = ""
    audit: bool = False
    advice: tuple[str, ...] = ()  # of an inconclusive one: what could have been found, and what would decide

    @property
    def headline(self) -> str:
        """The words on the badge, such as `directional (proxy)`."""
        return f"{self.outcome} ({self.qualifier})" if self.qualifier else str(self.outcome)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasons, then the advice."""
        return self.reasons + self.advice
