"""Options of `run` alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import EngineOption, PrecisionOption, choice

Every = Annotated[bool, typer.Option("--all", help="Every claim that has a reproduction.")]
Seeds = Annotated[int | None, typer.Option(help="Seeds an arm; default: what the protocol declares.")]
Workers = Annotated[int | None, typer.Option(help="Trials at a time; default: a core each, or 4 a GPU.")]
Gpus = Annotated[int, typer.Option(help="GPUs (on a CPU: cores) that train one network together.")]
RunPrecision = Annotated[
    PrecisionOption,
    choice("precision", PrecisionOption, "auto: the protocol's own, else bf16 where the hardware has it."),
]
EngineName = Annotated[
    EngineOption, choice("engine", EngineOption, "local: this machine; ray: a Ray cluster that is running.")
]
Address = Annotated[
    str | None,
    typer.Option(help="Of the Ray cluster: auto (default), <host>:<port> or ray://<host>:<port>."),
]
Storage = Annotated[
    Path | None,
    typer.Option(help="Folder that all nodes share, for checkpoints; default: --results-dir, on each node."),
]
Events = Annotated[
    bool,
    typer.Option(
        "--json", help="Print events for scripts, a JSON object a line; with --dry-run the plan as JSON."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the trials and their cost, run nothing.")]
CheckAgainst = Annotated[
    Path | None,
    typer.Option(
        "--check",
        metavar="PLACE",
        help="Earlier evidence: exit with 1 where a verdict on what was run says less than there.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show warnings and failures alone.")]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Show also the environment, every trial, and what costs rest on."),
]
Detach = Annotated[
    bool,
    typer.Option("--detach", help="Run on after this terminal is closed; output goes into --results-dir."),
]
UntilDecided = Annotated[
    bool, typer.Option("--until-decided", help="Add seeds at the looks 3, 5, 10, until a verdict stands.")
]
Budget = Annotated[
    str | None,
    typer.Option(help="Decide most within 90s, 20m or 1.5h; without CLAIM: of all claims."),
]
