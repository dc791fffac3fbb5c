"""A training of the paper's recipe on packed photographs, as a process: `DATA FOLDER`; tells of each part."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from harness.models.alexnet import alexnet
from harness.session import Artifacts, Session
from harness.training import scheduled
from harness.training.recipe import Photographs
from harness.training.recipe import scheduled as measured
from harness.training.recipes import PAPER
from harness.trials import Trial

# The paper's recipe whole, but for the width: a full one's checkpoints would take half a gigabyte each.
SETTINGS = measured(
    replace(PAPER, network=alexnet("paper", width=1 / 16, classes=10), batch_size=16),
    dataset="imagenette",
    reader=Photographs(),
    max_epochs=3,
    parts=2,
    sample=10,
    watched=10,
)


def main() -> None:
    """Prints the epoch after every part, and at the end the outcome without clocks."""
    torch.set_num_threads(1)
    data, folder = map(Path, sys.argv[1:])
    session = Session(
        "cpu",
        data,
        folder / "trial.pt",
        Artifacts(folder / "own.safetensors"),
        report=lambda progress: print(progress.epoch, flush=True),
    )
    outcome = scheduled.run(Trial(SETTINGS, 1), session)
    curve = [{k: v for k, v in row.items() if "seconds" not in k} for row in outcome.curve]
    print(json.dumps([outcome.status, dict(outcome.metrics), curve]))


if __name__ == "__main__":
    main()
