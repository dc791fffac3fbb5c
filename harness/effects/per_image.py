"""Which images each run got wrong, and what those images add to the variance of an error or a difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.effects.statistics.two_way import ImagePart, Outcomes, of_sets
from harness.plans.experiment import Run
from harness.records.image_bits import unpacked
from harness.records.schema import Measured

# The errors for which a record has per-image bits, and their set of images, by the name of its size.
TEST, TRAINING = "images", "train_images"
SETS: Mapping[str, str] = {
    Measured.TEN_TOP1: TEST,
    Measured.TEN_TOP5: TEST,
    Measured.CENTRE_TOP1: TEST,
    Measured.CENTRE_TOP5: TEST,
    Measured.TRAIN_TOP1: TRAINING,
    Measured.TRAIN_TOP5: TRAINING,
}

Signs = Mapping[Measured, int]  # the errors that are added, and those that are subtracted


def image_part(arms: Sequence[Sequence[Run]], signs: Signs) -> tuple[ImagePart | None, str]:
    """What the images add to the variance of one arm's mean, or of the first arm's minus the second's.

    None, with the reason, if an arm has no runs, a run's record has no bits, or the runs were tested on
    different images.
    """
    if not signs or not all(name in SETS for name in signs):
        return None, "it has no per-image bits"
    runs = [run for arm in arms for run in arm]
    lacking = sum(not all(kept(run, name) for name in signs) for run in runs)
    if not all(arms):
        return None, "an arm has no runs"
    if lacking:
        return None, f"{lacking} of {len(runs)} runs have no per-image bits"
    sets = dict.fromkeys(SETS[name] for name in signs)
    if any(len({_count(run, name) for run in runs}) > 1 for name in sets):
        return None, "not all runs were tested on the same images"
    return of_sets([[_outcomes(arm, of_set, signs) for arm in arms] for of_set in sets]), ""


def _outcomes(runs: Sequence[Run], of_set: str, signs: Signs) -> Outcomes:
    """The runs' outcomes on one set, with the signs of the errors."""
    chosen = [(name, sign) for name, sign in signs.items() if SETS[name] == of_set]
    rows = [sum(np.int8(sign) * flags(run, name).view(np.int8) for name, sign in chosen) for run in runs]
    return np.stack(rows).astype(np.int8, copy=False)


def flags(run: Run, name: str) -> NDArray[np.bool_]:
    """The images of its set that the run got wrong by this error, bool (images,)."""
    wrong = run.record.details["wrong"]
    return unpacked(wrong[name], wrong[SETS[name]])


def kept(run: Run, name: str) -> bool:
    """Whether the run's record has per-image bits of this error."""
    wrong = run.record.details.get("wrong", {})
    return name in wrong and wrong.get(SETS[name], 0) > 1


def _count(run: Run, of_set: str) -> int:
    return int(run.record.details["wrong"][of_set])
