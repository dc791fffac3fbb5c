"""Every command of the command line and its options; each is implemented in a file of its own.

A command imports what it needs when it runs, so that `--help` starts at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import defaults, options
from harness.cli.options import (
    BenchPrecision,
    Claim,
    Claims,
    DataDir,
    DeviceOption,
    EngineOption,
    ExportFormat,
    Json,
    Junit,
    NormalisationOption,
    PrecisionOption,
    ProtocolName,
    ProtocolShown,
    RecipeOption,
    ResultsDir,
    SplitOption,
    Version,
    ViewsOption,
    WorkloadNames,
    choice,
    named,
    path_argument,
    path_option,
)
from harness.cli.run_options import (
    Address,
    Budget,
    CheckAgainst,
    Detach,
    DryRun,
    EngineName,
    Events,
    Every,
    Gpus,
    Quiet,
    RunPrecision,
    Seeds,
    Storage,
    UntilDecided,
    Verbose,
    Workers,
)
from harness.data.catalogue import DATA_SETS, PHOTOGRAPHS
from harness.records import USUAL
from harness.verdicts.verdict import Fails

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
data = typer.Typer(help="Verify, prepare or fetch the data sets.", no_args_is_help=True)
app.add_typer(data, name="data")


@app.callback()
def front_door(context: typer.Context, version: Version = False) -> None:
    """Re-examine the claims of the AlexNet paper (Krizhevsky, Sutskever, Hinton 2012)."""
    defaults.apply(context)


@app.command(name="list")
def list_(results_dir: ResultsDir = USUAL, json: Json = False) -> None:
    """List every claim of the paper with what is known about it."""
    from harness.cli.commands import list as command

    store = options.store_to_read(results_dir)
    command.show(store, json, options.console(), options.progress(patience=30))


@app.command()
def run(
    claims: Claims = None,
    every: Every = False,
    protocol: ProtocolName = None,
    seeds: Seeds = None,
    device: DeviceOption = "auto",
    workers: Workers = None,
    gpus: Gpus = 1,
    precision: RunPrecision = PrecisionOption.AUTO,
    data_dir: DataDir = None,
    results_dir: ResultsDir = USUAL,
    dry_run: DryRun = False,
    until_decided: UntilDecided = False,
    budget: Budget = None,
    engine: EngineName = EngineOption.LOCAL,
    address: Address = None,
    storage: Storage = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    check: CheckAgainst = None,
    junit: Junit = None,
    json: Events = False,
    detach: Detach = False,
) -> None:
    """Run the missing trials of one or more claims; stored trials are never rerun."""
    from harness.cli.commands import run as command
    from harness.cli.running.sites import chosen_site
    from harness.cli.running.work import RunRequest, chosen
    from harness.engines.deadline import parse

    shown = command.Shown(json, quiet, dry_run, detach)
    seconds = None if budget is None else parse(budget)
    found = chosen(claims or [], every or (seconds is not None and not claims))
    where, site = (data_dir, results_dir), chosen_site(engine, address, storage)
    asked = RunRequest(
        found, protocol, seeds, device, workers, *where, until_decided, seconds, gpus, precision, site,
        check, junit, verbose, not claims,
    )  # fmt: skip
    if not command.show(asked, shown):
        raise typer.Exit(1)


@app.command()
def status(
    why: Annotated[bool, typer.Option("--why", help="Show why records count or do not.")] = False,
    results_dir: ResultsDir = USUAL,
    json: Json = False,
) -> None:
    """Show what is in the store and which records are still valid for the current code."""
    from harness.cli.commands import status as command

    out, errors = options.console(), options.console(stderr=True)
    command.show(options.store_to_read(results_dir), why, json, out, errors)


@app.command()
def watch(results_dir: ResultsDir = USUAL, json: Json = False) -> None:
    """Show the trials that are running in a results folder, whoever started them, until Ctrl-C."""
    from harness.cli.commands import watch as command

    command.show(options.store_to_read(results_dir).root, json, options.console())


@app.command()
def explain(
    claim: Claim,
    protocol: ProtocolShown = None,
    results_dir: ResultsDir = USUAL,
    json: Json = False,
) -> None:
    """Trace a claim from the paper's sentence to the verdict: every number, gate and rule in between."""
    from harness.cli.commands import explain as command

    command.show(claim, protocol, options.store_to_read(results_dir), json, options.console())


@app.command()
def compare(
    first: Annotated[Path, path_argument("A", "A results folder, a published report, or an export.")],
    second: Annotated[Path | None, path_argument("[B]", "A second one.")] = None,
    precisions: Annotated[
        bool, typer.Option("--precisions", help="Compare fp32 with bf16 within A, instead of A with B.")
    ] = False,
    fail_if: Annotated[
        Fails | None,
        choice("rule", Fails, "Exit with status 1 if a verdict is worse, or if anything changed."),
    ] = None,
    claim: Annotated[
        list[str] | None, typer.Option(help="Compare only this claim; can be given more than once.")
    ] = None,
    junit: Junit = None,
    json: Json = False,
) -> None:
    """Compare two sets of evidence by effect: differences with intervals, and verdicts that changed."""
    from harness.cli.commands import compare as command

    asked = command.CompareRequest(first, second, precisions, claim or (), fail_if, junit)
    if not command.show(asked, json, options.console(), options.progress(patience=30)):
        raise typer.Exit(1)


@app.command()
def export(
    folder: Annotated[Path, path_argument("DIR", "Folder for the files.")],
    to: Annotated[ExportFormat, choice("format", ExportFormat, "File format to write.")],
    results_dir: ResultsDir = USUAL,
) -> None:
    """Export records, curves and effects as tables with one row each; docs/export.md lists the columns."""
    from harness.cli.commands import export as command

    progress = options.progress(patience=30)
    for path in command.write(options.store(results_dir), to, folder, progress, options.console(stderr=True)):
        typer.echo(path)


@app.command()
def merge(
    into: Annotated[Path, path_argument("INTO", "The results folder to merge into.")],
    sources: Annotated[
        list[str],
        typer.Argument(metavar="FROM...", help="The results folders to merge, as FOLDER or NAME=FOLDER."),
    ],
    json: Json = False,
) -> None:
    """Merge the stores of several machines, overwriting nothing, and show where laboratories disagree."""
    from harness.cli.commands import merge as command

    command.show(into, sources, json, options.console(), options.progress(patience=30))


@app.command()
def bench(
    workloads: WorkloadNames = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Measure briefly: all workloads in minutes.")
    ] = False,
    device: DeviceOption = "auto",
    precision: BenchPrecision = PrecisionOption.AUTO,
    recipe: Annotated[
        RecipeOption, choice("recipe", RecipeOption, "Training recipe of the 'imagenet' workload.")
    ] = RecipeOption.PAPER,
    seconds: Annotated[
        float | None, typer.Option(help="Seconds to measure each workload; default: 150, with --quick 7.")
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Also show how the time of each way splits by operator.")
    ] = False,
    data_dir: DataDir = None,
    results_dir: ResultsDir = USUAL,
    json: Json = False,
) -> None:
    """Measure this harness against stock PyTorch and against the hardware's limits, in alternation."""
    from harness.bench.workloads import names
    from harness.cli.commands import bench as command

    asked = command.BenchRequest(
        list(dict.fromkeys(workloads or names())),
        device,
        precision,
        recipe,
        quick,
        seconds,
        data_dir,
        results_dir,
        profile,
    )
    if not command.show(asked, json, options.console(), options.progress()):
        raise typer.Exit(1)


REPORT_FORMATS = "html,md,json"


@app.command()
def report(
    out: Annotated[Path | None, path_option("Folder for the report; default: <results-dir>/report.")] = None,
    formats: Annotated[
        str, typer.Option("--format", help="Any of html, md, tex, csv and json, separated by commas.")
    ] = REPORT_FORMATS,
    watch: Annotated[
        bool, typer.Option("--watch", help="Rewrite the report as records arrive, until Ctrl-C.")
    ] = False,
    index: Annotated[
        Path | None, path_option("Instead, write an index page of all reports below this folder.")
    ] = None,
    results_dir: ResultsDir = USUAL,
) -> None:
    """Write the report of a store, as pages to read and as files for programs."""
    from harness.cli.commands import report as command

    folder, wanted = out or results_dir / "report", command.formats(formats)
    written: tuple[Path, ...]
    if index is not None:
        command.alone(index, out is not None or formats != REPORT_FORMATS or watch)
        written = command.write_index(index)
    elif watch:
        store = options.existing_store(results_dir)
        written = command.watch(folder, store.root, options.progress, wanted, options.console())
    else:
        written = command.write(folder, options.existing_store(results_dir), options.progress(), wanted)
    for page in written:
        typer.echo(page)


@app.command()
def doctor(data_dir: DataDir = None, results_dir: ResultsDir = USUAL, json: Json = False) -> None:
    """Show what this machine can run, what is missing, and the command that fixes it."""
    from harness.cli.commands import doctor as command

    if not command.show(data_dir, results_dir, json, options.console()):
        raise typer.Exit(1)


@app.command()
def evaluate(
    weights: Annotated[Path, path_option("A .safetensors, .pth or .npz file of weights.")],
    variant: Annotated[str, typer.Option(help="The network that the weights belong to.")] = "torchvision",
    data: Annotated[str, choice("data set", PHOTOGRAPHS, "Photographs to evaluate on.")] = "imagenet",
    split: Annotated[
        SplitOption, choice("split", SplitOption, "Part of the data set; not all data sets have test.")
    ] = SplitOption.VAL,
    views: Annotated[
        ViewsOption, choice("choice of views", ViewsOption, "Views of each image to evaluate.")
    ] = ViewsOption.BOTH,
    normalisation: Annotated[
        NormalisationOption | None,
        choice("normalisation", NormalisationOption, "How pixels are normalised; default: the variant's."),
    ] = None,
    device: DeviceOption = "auto",
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Evaluate given weights on a data set, without training, beside their published errors."""
    from harness.analysis.published_weights import EvaluationRequest
    from harness.cli.commands import evaluate as command
    from harness.cli.running.choices import choose_device

    asked = EvaluationRequest(
        weights, variant, data, split, views, normalisation, choose_device(device), data_dir
    )
    command.show(command.evaluate(asked, options.progress()), json, options.console())


@app.command()
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the new reproduction, such as my-claim.")
    ],
    claim: Annotated[
        str | None, typer.Option(help="The claim in the catalogue that it answers; default: NAME.")
    ] = None,
) -> None:
    """Create a reproduction of a claim that has none: a file to edit, which passes the tests as it is."""
    from harness.cli.commands import new as command

    path = command.new(name, claim)
    typer.echo(f"{path}: {command.to_do(path, claim or name)}")


@data.command()
def verify(
    name: Annotated[str, named("data set", DATA_SETS, "A data set.")] = "cifar10",
    data_dir: DataDir = None,
) -> None:
    """Check every file of CIFAR-10 against its official MD5, or of a pack against its own checksums."""
    from harness.cli.commands import data as command

    for path in command.verify(name, data_dir, options.progress()):
        typer.echo(f"ok  {path}")


@data.command()
def prepare(
    name: Annotated[str, named("data set to pack", PHOTOGRAPHS, "A data set of photographs.")],
    source: Annotated[
        Path, path_option("Folder with train/, val/ (ILSVRC-2010: and test/), or the official archives.")
    ],
    out: Annotated[
        Path | None, path_option("Folder for the pack; default: $REPRO_DATA, then ./data.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Decoding processes; default: one per core.")] = None,
) -> None:
    """Pack photographs once, so that every epoch reads them decoded; resumes if interrupted."""
    from harness.cli.commands import data as command

    if command.prepare(name, source, out, workers, options.progress(stderr=False)) is None:
        raise typer.Exit(1)


@data.command()
def fetch(data_dir: DataDir = None) -> None:
    """Download CIFAR-10 into --data-dir, $REPRO_DATA or ./data."""
    from harness.cli.commands import data as command

    typer.echo(f"CIFAR-10 is in {command.fetch(data_dir, options.progress())}")
