"""The possible outcomes for a claim and what each means: the only place where that is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a verdict can say; `MEANINGS` explains each."""

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
        """Whether it judges the paper's claim, even if only as undecided."""
        return self in (
            Outcome.REPRODUCED,
            Outcome.DIRECTIONAL,
            Outcome.NOT_REPRODUCED,
            Outcome.INCONCLUSIVE,
        )

    @property
    def side(self) -> int:
        """1 if it supports the claim, −1 if it contradicts it, else 0."""
        return {Outcome.REPRODUCED: 1, Outcome.DIRECTIONAL: 1, Outcome.NOT_REPRODUCED: -1}.get(self, 0)

    @property
    def says(self) -> int:
        """How strongly it supports the claim, relative to other outcomes; 0 without evidence."""
        return SAYS.get(self, 0)


# From most to least; only outcomes that rest on evidence.
SAYS: Mapping[Outcome, int] = {
    Outcome.REPRODUCED: 5,
    Outcome.DIRECTIONAL: 4,
    Outcome.INCONCLUSIVE: 3,
    Outcome.NOT_REPRODUCED: 2,
    Outcome.REPORTED: 1,
    Outcome.SMOKE: 1,
}


class Qualifier(StrEnum):
    """What limits an outcome; it follows the outcome in brackets."""

    NONE = ""
    PROXY = "proxy"  # at a scale other than the paper's
    UNDER_FITTED = "under-fitted"
    HALVES = "A/A"
    WEAKER = "weaker"
    STRONGER = "stronger"
    SIZE_UNPROVEN = "size unproven"
    INSIDE = "inside the band"  # of a level, with too few seeds to call it reproduced
    AUDIT = "better than the paper: audit"
    PART_HOLDS = "part holds"  # some counts agree, others do not
    TURNS = "turns with the learning rate"


class Fails(StrEnum):
    """What makes a comparison of two sets of verdicts fail."""

    WORSE = "worse"  # a verdict that supports its claim less, or is gone
    CHANGED = "changed"  # any verdict that differs, or an effect that is not the same


def plain(reason: str) -> str:
    """A reason without the name of the gate that gave it."""
    return reason.partition(": ")[2] if reason.startswith("gate ") else reason


# In the order in which a report counts and explains them.
MEANINGS: Mapping[Outcome, str] = {
    Outcome.REPRODUCED: "the 90 % interval is in the band and the 95 % interval excludes the no-effect value",
    Outcome.DIRECTIONAL: "the 95 % interval lies on the paper's side of no effect; "
    "its size is not the paper's, or not known",
    Outcome.NOT_REPRODUCED: "the 95 % interval lies on the other side of no effect, "
    "or wholly outside the band without showing the paper's direction, or a count lies outside its band",
    Outcome.INCONCLUSIVE: "the evidence decides neither way, or is incomplete; "
    "where known, the n that would decide is given",
    Outcome.INVALID: "the runs cannot be compared, or could not have shown the claim; the reason is given",
    Outcome.SMOKE: "shows only that the code runs; never a verdict",
    Outcome.REPORTED: "shown beside the paper's figure, never judged",
    Outcome.NOT_RUN: "nothing was measured yet, or only trials that prepare the measurement (tuning)",
}


@dataclass(frozen=True)
class Verdict:
    """An outcome, what qualifies it, the reasons in words (gate or rule, interval, band), and any advice."""

    claim: str
    protocol: str | None
    outcome: Outcome
    reasons: tuple[str, ...]
    qualifier: Qualifier = Qualifier.NONE
    advice: tuple[str, ...] = ()  # if inconclusive: what could have been found, and what would decide

    @property
    def headline(self) -> str:
        """The words on the badge, such as `directional (proxy)`."""
        return f"{self.outcome} ({self.qualifier})" if self.qualifier else str(self.outcome)

    @property
    def audit(self) -> bool:
        """Whether the result is better than the paper's, which must be explained before it is believed."""
        return self.qualifier is Qualifier.AUDIT

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasons, then the advice."""
        return self.reasons + self.advice
