"""Options shared by several commands, the names they accept, and the store and console they lead to."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.bench.workloads import names as workload_names
from harness.contract.errors import BadValue, UnknownName
from harness.records import USUAL

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
    """Values of `run --precision`."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"


class EngineOption(StrEnum):
    """Engines that run trials."""

    LOCAL = "local"
    RAY = "ray"


class ExportFormat(StrEnum):
    """Formats that `export --to` writes."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


class SplitOption(StrEnum):
    """The parts of a data set."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class ViewsOption(StrEnum):
    """Views of the images in a test."""

    CENTRE = "centre"
    TEN = "ten"
    BOTH = "both"


class NormalisationOption(StrEnum):
    """How pixels become inputs."""

    MEAN_IMAGE = "mean-image"
    TORCHVISION = "torchvision"
    CAFFE = "caffe"


def one_of(kind: str, names: Iterable[str]) -> Callable[[str], str]:
    """A parser for one of the names (of a StrEnum: a member); UnknownName suggests the nearest ones."""
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
    """Shell completion for these names."""
    return lambda incomplete: [str(name) for name in names() if str(name).startswith(incomplete)]


def _claims() -> list[str]:
    """The claims, then the questions, which can also be run and explained by name."""
    import reproductions
    from harness.paper import papers

    return [*(c.id for c in papers.claims()), *(r.name for r in reproductions.every() if not r.claims)]


def _protocols(context: typer.Context, incomplete: str) -> list[str]:
    """The protocols of the claims typed so far, or of all claims if there are none."""
    import reproductions

    typed = {*context.args, *(context.params.get("claims") or ()), context.params.get("claim")}
    named = [r for r in reproductions.every() if typed & {r.name, *r.claims}]
    found = dict.fromkeys(p.name for r in named or reproductions.every() for p in r.protocols)
    return completed(lambda: found)(incomplete)


def _show_version(asked: bool) -> None:
    if asked:
        from harness.records import environment
        from harness.records.provenance import provenance

        installed = environment.version("alexnet-repro") or "(not installed)"
        typer.echo(f"alexnet-repro {installed}, {provenance()}")
        raise typer.Exit


def path(text: str | Path) -> Path:
    """A path; BadValue if it is empty, as it is for an unset variable of a shell, or cannot be looked up."""
    if not str(text):
        raise BadValue("a path is empty; name one, or '.' for the current folder")
    try:
        os.stat(text)
    except (FileNotFoundError, NotADirectoryError):
        pass  # what should be there is said where it is used
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise BadValue(f"{text} cannot be looked up: {why}; name another path, or mend that one") from None
    return Path(text)


def path_option(said: str) -> Any:
    """An option that takes a path."""
    return typer.Option(parser=path, metavar="<path>", help=said)


def path_argument(name: str, said: str) -> Any:
    """An argument that is a path."""
    return typer.Argument(parser=path, metavar=name, help=said)


def _listed(names: Iterable[str]) -> str:
    return f"<{'|'.join(names)}>"


Claims = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CLAIM...",
        help="Claims, as named by './repro.py list'.",
        autocompletion=completed(_claims),
    ),
]
Claim = Annotated[
    str,
    typer.Argument(
        metavar="CLAIM",
        help="A claim, as named by './repro.py list'.",
        autocompletion=completed(_claims),
    ),
]
Version = Annotated[
    bool,
    typer.Option("--version", callback=_show_version, is_eager=True, help="Print version and commit."),
]
DataDir = Annotated[Path | None, path_option("Folder of the data sets; default: $REPRO_DATA, then ./data.")]
ResultsDir = Annotated[Path, path_option("Folder of the store and the report.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:<number>.")]


def store(results_dir: Path) -> Store:
    """The store in the results folder."""
    from harness.records.store import Store

    found = Store(results_dir)
    found.check()
    return found


def store_to_read(results_dir: Path) -> Store:
    """The store; without any, what the catalogue alone says is shown, and a sentence says that it is not."""
    if results_dir != USUAL and not results_dir.exists():
        from harness.cli.terminal.tables import WARNING, say

        missing = f"--results-dir {results_dir} does not exist, so nothing is stored there"
        say(console(stderr=True), f"{missing}; for other records, name the folder that has them", WARNING)
    return store(results_dir)


def existing_store(results_dir: Path) -> Store:
    """The store in a results folder that must be there."""
    if not results_dir.is_dir():
        what = "is not a folder" if results_dir.exists() else "does not exist"
        raise BadValue(
            f"--results-dir {results_dir} {what}; name a folder with records, or create some with "
            "'./repro.py run --all --protocol smoke'"
        )
    return store(results_dir)


def console(stderr: bool = False, sparing: bool = False) -> Output:
    """Standard output or standard error; a `sparing` one shows only warnings and failures."""
    from harness.cli.terminal.console import Output

    return Output(stderr, sparing)


def progress(stderr: bool = True, patience: float | None = None) -> Progress:
    """A command's progress, beside its results or among them; `patience` is for commands that end soon."""
    from harness.cli.terminal.progress import progress_on

    return progress_on(console(stderr), patience)


ProtocolName = Annotated[
    str | None,
    typer.Option(
        help="Scale of the runs; default: the first that can give a verdict.", autocompletion=_protocols
    ),
]
ProtocolShown = Annotated[
    str | None,
    typer.Option(help="Scale of the runs; default: the one behind the verdict.", autocompletion=_protocols),
]
BenchPrecision = Annotated[
    PrecisionOption,
    choice("precision", PrecisionOption, "auto: bf16 where the hardware supports it, else fp32."),
]
WorkloadNames = Annotated[
    list[str] | None, named("workload", workload_names(), "Workloads to measure; default: all.")
]
Junit = Annotated[Path | None, path_option("Write the verdicts to this file as JUnit XML.")]
