"""How durations and numbers are written for people."""

from __future__ import annotations


def spoken(seconds: float) -> str:
    """A duration for people: `40 s`, `12 min`, `3.5 h`, `6 days`."""
    for limit, unit, name in ((90, 1, "s"), (5400, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}" if unit < 3600 else f"{seconds / unit:.1f} {name}"
    return f"{seconds / 86400:.0f} days"
