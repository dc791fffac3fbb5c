"""Options that only `run` has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import EngineOption, PrecisionOption, choice, path, path_option

Every = Annotated[bool, typer.Option("--all", help="Run every claim that has a reproduction.")]
Seeds = Annotated[int | None, typer.Option(help="Seeds per arm; default: what the protocol declares.")]
Workers = Annotated[int | None, typer.Option(help="Trials in parallel; default: 1 per core, or 4 per GPU.")]
Gpus = Annotated[int, typer.Option(help="GPUs (on a CPU: cores) that train one network together.")]
RunPrecision = Annotated[
    PrecisionOption,
    choice("precision", PrecisionOption, "auto: the protocol's own, else bf16 where supported, else fp32."),
]
EngineName = Annotated[
    EngineOption, choice("engine", EngineOption, "local: this machine; ray: a running Ray cluster.")
]
Address = Annotated[
    str | None,
    typer.Option(help="Address of the Ray cluster: auto (default), <host>:<port> or ray://<host>:<port>."),
]
Storage = Annotated[
    Path | None,
    path_option("Folder for checkpoints, shared by all nodes; default: --results-dir on each node."),
]
Events = Annotated[
    bool,
    typer.Option(
        "--json", help="Print events for scripts, one JSON object per line; with --dry-run the plan as JSON."
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the trials and their cost, but run nothing.")]
CheckAgainst = Annotated[
    Path | None,
    typer.Option(
        "--check",
        parser=path,
        metavar="PLACE",
        help="Earlier evidence: exit with status 1 if a verdict supports its claim less than there.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show only warnings and failures.")]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", help="Also show the environment, every trial, and what the costs are based on."
    ),
]
Detach = Annotated[
    bool,
    typer.Option("--detach", help="Keep running after this terminal closes; output goes into --results-dir."),
]
UntilDecided = Annotated[
    bool,
    typer.Option(
        "--until-decided", help="Add seeds until the verdict is decided; it is checked at 3, 5 and 10 seeds."
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(
        help="Time limit, such as 90s or 1.5h: the most decisive trials run first; without CLAIM, of all."
    ),
]
