"""The speed that costs are based on if no record gives it: measured once, before costs are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from harness.cli.running.work import Work
from harness.contract.trial import Precision, Trial
from harness.forecast import cost, kept_speeds
from harness.forecast.cost import Speed
from harness.forecast.speeds import known, unknown


def speeds(trials: Sequence[Trial], work: Work) -> Mapping[Precision, Speed]:
    """The speeds at which the trials are priced, measured here if not known otherwise."""
    calibrate(work, trials)
    return known(work.store, trials, work.device)


def calibrate(work: Work, trials: Iterable[Trial]) -> bool:
    """Measures and keeps the speeds that the trials' costs need; returns whether it learnt anything new.

    Nothing is measured if the result cannot be kept or trials run elsewhere. A failure never ends the
    command: speeds are then assumed.
    """
    if not work.asked.site.here:
        return False
    root, device = work.store.root, work.device
    wanted = list(trials)
    lacking = kept_speeds.missing(root, device, unknown(work.store, wanted, device))
    if not lacking:
        return False
    with suppress(OSError):
        kept_speeds.keep(root, device, {})
        from harness.engines.machine.calibration import NETWORK, measure

        found = measure(device, lacking)
        kept_speeds.keep(root, device, {p: cost.training_speed(rate, NETWORK) for p, rate in found.items()})
        return bool(found)
    return False
