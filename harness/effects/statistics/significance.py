"""The promised error rates: levels of intervals, interim looks, and Holm's adjustment. No numpy."""

from __future__ import annotations

from collections.abc import Mapping

EQUIVALENCE, DIRECTION = 0.90, 0.95  # two one-sided tests at .05, and a two-sided one
POWER = 0.80
MOST_SEEDS = 1000  # the search for the n that would decide ends here

# More seeds come only at these interim looks. Pocock's constants for three looks (2.289 for two-sided .05,
# 1.992 for .10: nominal .0221 and .0464) assume normal means at equally spaced looks. Student's t at n = 3, 5
# and 10 is neither, and would be wrong one-sided in 2.85 and 5.6 % of experiments instead of 2.5 and 5 %.
# So the nominal levels are solved for these looks: .0190 and .0406, found by 8 million simulated
# experiments, rounded to the safe side, and checked again by `harness.verdicts.calibration`. Two samples
# with a pooled variance stay below (2 million experiments): 2.4 and 4.8 % if the baseline grows with the arm,
# 2.1 and 4.3 % if its 15 runs are there from the start, since looks then have more in common.
LOOKS = (3, 5, 10)
INTERIM_EQUIVALENCE, INTERIM_DIRECTION = 1 - 0.0406, 1 - 0.0190


def most_seeds(interim: bool) -> int:
    """Where the search for the n that would decide ends: at the last look, if seeds are added at looks."""
    return LOOKS[-1] if interim else MOST_SEEDS


def over_looks(p: float) -> float:
    """The p-value of a look, by Bonferroni's rule for all of them: any could have been the last."""
    return min(1.0, len(LOOKS) * p)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's adjusted p-values, by the names of the raw ones."""
    adjusted, running, m = {}, 0.0, len(p_values)
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        running = max(running, min(1.0, (m - rank) * p))
        adjusted[name] = running
    return {name: adjusted[name] for name in p_values}
