"""Options that several commands share, the names that they take, and the store and console that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.bench.workloads import names as workload_names
from harness.contract.errors import UnknownName

if TYPE_CHECKING:
    from harness.cli.terminal.console import Output
    from harness.cli.terminal.progress import Progress
    from harness.records.store import Store


class RecipeOption(StrEnum):
    """Training recipes at the paper's scale."""

    PAPER = "paper"
    SOURCE_2012 = "source-2012"
    CAFFE = "caffe"


class PrecisionOption(StrEnum):
    """What `run --precision` takes."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"


class EngineOption(StrEnum):
    """What runs trials."""

    LOCAL = "local"
    RAY = "ray"


class ExportFormat(StrEnum):
    """What `export --to` writes."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


class SplitOption(StrEnum):
    """The parts of a data set."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class ViewsOption(StrEnum):
    """How images are seen in a test."""

    CENTRE = "centre"
    TEN = "ten"
    BOTH = "both"


class NormalisationOption(StrEnum):
    """How pixels become inputs."""

    MEAN_IMAGE = "mean-image"
    TORCHVISION = "torchvision"
    CAFFE = "caffe"


def one_of(kind: str, names: Iterable[str]) -> Callable[[str], str]:
    """Reads one of the names, or UnknownName with the nearest ones; of a StrEnum it reads a member."""
    known = {str(name): name for name in names}

    def read(text: str) -> str:
        if text not in known:
            raise UnknownName(kind, text, known)
        return known[text]

    return read


def choice(kind: str, names: Iterable[str], help_: str) -> Any:
    """An option that takes one of these names."""
    read, begun = one_of(kind, names), completed(lambda: names)
    return typer.Option(parser=read, metavar=_listed(names), help=help_, autocompletion=begun)


def named(kind: str, names: Iterable[str], help_: str) -> Any:
    """An argument that is one of these names."""
    read, begun = one_of(kind, names), completed(lambda: names)
    return typer.Argument(parser=read, metavar=_listed(names), help=help_, autocompletion=begun)


def completed(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """What a shell is offered for the beginning of one of these names."""
    return lambda incomplete: [str(name) for name in names() if str(name).startswith(incomplete)]


def _claims() -> list[str]:
    from harness.paper import papers

    return [claim.id for claim in papers.claims()]


def _show_version(asked: bool) -> None:
    if asked:
        from harness.records import environment
        from harness.records.provenance import provenance

        installed = environment.version("alexnet-repro") or "(not installed)"
        typer.echo(f"alexnet-repro {installed}, {provenance()}")
        raise typer.Exit


def _listed(names: Iterable[str]) -> str:
    return f"<{'|'.join(names)}>"


Claims = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CLAIM...",
        help="Claims, as './repro.py list' names them.",
        autocompletion=completed(_claims),
    ),
]
Claim = Annotated[
    str,
    typer.Argument(
        metavar="CLAIM",
        help="A claim, as './repro.py list' names it.",
        autocompletion=completed(_claims),
    ),
]
Version = Annotated[
    bool,
    typer.Option("--version", callback=_show_version, is_eager=True, help="Print version and commit."),
]
DataDir = Annotated[
    Path | None, typer.Option(help="Folder that holds the data sets; else $REPRO_DATA, then ./data.")
]
ResultsDir = Annotated[Path, typer.Option(help="Folder of the store and the report.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:<number>.")]
RESULTS = Path("results")


def store(results_dir: Path) -> Store:
    """The store in the results folder."""
    from harness.records.store import Store

    return Store(results_dir)


def console(stderr: bool = False, sparing: bool = False) -> Output:
    """Standard output, or standard error; a `sparing` one shows warnings and failures alone."""
    from harness.cli.terminal.console import Output

    return Output(stderr, sparing)


def progress(stderr: bool = True, patience: float | None = None) -> Progress:
    """How far a command has come, beside its results or among them; `patience` is for those soon over."""
    from harness.cli.terminal.progress import progress_on

    return progress_on(console(stderr), patience)


Every = Annotated[bool, typer.Option("--all", help="Every claim that has a reproduction.")]
ProtocolName = Annotated[
    str | None, typer.Option(help="Scale of the runs; default: the first that can judge.")
]
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
BenchPrecision = Annotated[
    PrecisionOption, choice("precision", PrecisionOption, "auto: bf16 where the hardware has it, else fp32.")
]
WorkloadNames = Annotated[
    list[str] | None, named("workload", workload_names(), "What to measure; default: all of them.")
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
Junit = Annotated[Path | None, typer.Option(help="Write the verdicts to this file as JUnit XML.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show warnings and failures alone.")]
UntilDecided = Annotated[
    bool, typer.Option("--until-decided", help="Add seeds at the looks 3, 5, 10, until a verdict stands.")
]
Budget = Annotated[
    str | None,
    typer.Option(help="Decide most within 90s, 20m or 1.5h; without CLAIM: of all claims."),
]
