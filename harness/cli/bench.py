"""`repro bench`."""

from __future__ import annotations

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from harness.contract.formatting import duration
from harness.contract.trial import Precision
from harness.data.catalogue import training_images
from harness.paper.catalogue import claim
from harness.training.recipes import recipe as named
from harness.training.timing.imagenet_speed import EPOCHS, measure


def show(name: str, device: str, precision: str, seconds: float, as_json: bool, console: Console) -> None:
    """Measures and prints, beside what the paper says of its own training."""
    speeds = measure(named(name), device, Precision(precision), 1024, seconds)
    if as_json:
        more = {"bottleneck": speeds.bottleneck, "hours": speeds.seconds / 3600}
        console.print_json(json.dumps(asdict(speeds) | more))
        return
    table = Table("part", "images/s")
    for part in ("disk", "host", "device", "whole"):
        table.add_row(part, f"{getattr(speeds, part):,.0f}")
    console.print(table)
    console.print(
        f"{speeds.hardware}; {name}, batch {speeds.batch}, {speeds.precision}; "
        f"{speeds.images} images of noise.\n"
        f"{EPOCHS} epochs of {training_images('imagenet'):,} images would take {duration(speeds.seconds)}; "
        f"the paper's took {claim('training-time').figure}, on two GTX 580. "
        f"The slowest part is the {speeds.bottleneck}.",
        highlight=False,
    )
