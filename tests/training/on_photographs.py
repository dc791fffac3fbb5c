"""Trains the recipe on packed photographs, as a process: `SIZE DATA FOLDER`; reports each part."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from harness.contract.session import Artifacts, Session
from harness.contract.trial import Trial
from harness.models.alexnet import alexnet
from harness.records import environment
from harness.training.scheduled import program
from harness.training.scheduled.recipe import Photographs
from harness.training.scheduled.recipe import scheduled as measured
from harness.training.scheduled.recipes import PAPER

# The paper's complete recipe, except for the width: at full width, a checkpoint takes half a gigabyte.
SMALL = measured(
    replace(PAPER, network=alexnet("paper", width=1 / 16, classes=10), batch_size=16),
    dataset="imagenette",
    reader=Photographs(),
    max_epochs=3,
    parts=2,
    sample=10,
    watched=10,
    validated=10,
)
FULL = replace(SMALL, network=alexnet("paper", classes=10), batch_size=PAPER.batch_size, sample=100)
SIZES = {"small": SMALL, "full": FULL}


def main() -> None:
    """Prints the epoch after every part, and at the end the outcome without clocks."""
    settings, data, folder = SIZES[sys.argv[1]], *map(Path, sys.argv[2:])
    torch.set_num_threads(1 if settings is SMALL else environment.cores())
    session = Session(
        "cpu",
        data,
        folder / "trial.pt",
        Artifacts(folder / "own.safetensors"),
        report=lambda progress: print(progress.epoch, flush=True),
    )
    outcome = program.run(Trial(settings, 1), session)
    curve = [{k: v for k, v in row.items() if "seconds" not in k} for row in outcome.curve]
    print(json.dumps([outcome.status, dict(outcome.metrics), curve]))


if __name__ == "__main__":
    main()
