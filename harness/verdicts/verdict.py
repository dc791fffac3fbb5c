"""What can be said of a claim."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What a verdict can say, in the order in which the gates are asked."""

    NOT_RUN = "not run"
    INVALID = "invalid"
    SMOKE = "smoke"
    REPORTED = "reported"  # a cost, or a claim that is shown and never judged
    REPRODUCED = "reproduced"
    DIRECTIONAL = "directional"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """An outcome, what qualifies it, and the reasons in words: which gate or rule, interval and band."""

    claim: str
    protocol: str | None
    outcome: Outcome
    reasons: tuple[str, ...]
    qualifier: str = ""
    audit: bool = False

    @property
    def headline(self) -> str:
        """The words on the badge, such as `directional (proxy)`."""
        return f"{self.outcome} ({self.qualifier})" if self.qualifier else str(self.outcome)
