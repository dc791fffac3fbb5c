"""`repro bench`."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from harness.cli.running.choices import choose_device
from harness.cli.terminal.progress import Progress
from harness.cli.terminal.tables import print_json, say
from harness.contract.formatting import duration
from harness.contract.trial import Precision
from harness.data.catalogue import training_images
from harness.paper.catalogue import claim
from harness.training.recipes import recipe
from harness.training.timing.imagenet_speed import EPOCHS, Speeds, measure

PARTS = ("disk", "host", "device", "whole")


def show(
    name: str,
    device: str,
    precision: Precision,
    seconds: float,
    as_json: bool,
    console: Console,
    progress: Progress,
) -> None:
    """Measures and prints, beside what the paper says of its own training."""
    with (
        progress as tracker,
        tracker.task(f"measuring {', '.join(PARTS)}, at least {duration(seconds)} each"),
    ):
        speeds = measure(recipe(name), choose_device(device).torch, precision, 1024, seconds)
    if as_json:
        print_json(asdict(speeds) | {"bottleneck": speeds.bottleneck, "hours": speeds.seconds / 3600})
    else:
        _show(name, speeds, console)


def _show(name: str, speeds: Speeds, console: Console) -> None:
    table = Table("part", "images/s")
    for part in PARTS:
        table.add_row(part, f"{getattr(speeds, part):,.0f}")
    console.print(table)
    say(
        console,
        f"{speeds.hardware}; {name}, batch {speeds.batch}, {speeds.precision}; "
        f"{speeds.images} images of noise.\n"
        f"{EPOCHS} epochs of {training_images('imagenet'):,} images would take {duration(speeds.seconds)}; "
        f"the paper's took {claim('training-time').figure}, on two GTX 580. "
        f"The slowest part is the {speeds.bottleneck}.",
    )
