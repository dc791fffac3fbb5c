"""From what a person asked for to experiments: which reproductions, protocol, device and data."""

from __future__ import annotations

import os
from pathlib import Path

from harness.contract.errors import BadValue, EngineError
from harness.data import sources
from harness.plans.experiment import Experiment, Protocol, Reproduction
from harness.records import environment
from harness.records.conditions import Conditions


def choose_protocol(reproduction: Reproduction, name: str | None) -> Protocol:
    """The protocol asked for; without a name the first that can give a verdict."""
    if name is None:
        return next((p for p in reproduction.protocols if not p.smoke), reproduction.protocols[0])
    return reproduction.protocol(name)


def choose_device(asked: str) -> str:
    """`cpu`, `cuda` or `cuda:<i>`, as asked or, for `auto`, found; imports torch only to find a GPU."""
    kind, _, index = asked.partition(":")
    if kind not in ("auto", "cpu", "cuda") or (index and not (kind == "cuda" and index.isdigit())):
        raise BadValue(f"--device {asked} is none of auto, cpu, cuda, cuda:<number>")
    if kind == "cpu":
        return asked
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "auto":
        return "cuda" if count else "cpu"
    if int(index or 0) >= count:
        raise EngineError(
            f"--device {asked}: torch {torch.__version__} sees {count} CUDA devices; "
            "use --device cpu, or see './repro.py doctor' for what is missing"
        )
    return asked


def choose_workers(asked: int | None, device: str, gpus: int = 1) -> int:
    """As many as asked; else one a core on a CPU, and four on a GPU, where small networks leave room.

    Where several GPUs train one network together, one trial at a time has them all.
    """
    if asked is not None and asked < 1:
        raise BadValue(f"--workers {asked} must be at least 1")
    if (copies := os.environ.get("WORLD_SIZE", "1")) != "1":
        raise BadValue(
            f"a launcher such as torchrun started {copies} of these: start one, with --gpus {copies}"
        )
    cores = environment.cores()
    if gpus > 1:
        _check_together(gpus, asked, device, cores)
        return 1
    return asked or (min(4, cores) if device.startswith("cuda") else cores)


def _check_together(gpus: int, workers: int | None, device: str, cores: int) -> None:
    """Whether so many processes can train one network together on this machine."""
    if workers is not None and workers > 1:
        raise BadValue(f"--gpus {gpus} trains one network at a time: leave --workers {workers} away")
    if ":" in device:
        raise BadValue(f"--device {device} names one GPU, --gpus {gpus} asks for several: say --device cuda")
    have = _gpus() if device == "cuda" else cores
    if gpus > have:
        what = "CUDA devices" if device == "cuda" else "cores, which stand for GPUs on a CPU"
        raise EngineError(f"--gpus {gpus}: this machine has {have} {what}")


def _gpus() -> int:
    import torch

    return torch.cuda.device_count()


def source_for(protocol: Protocol, data_dir: Path | None) -> sources.Source | None:
    """The protocol's data; the stand-in for a smoke run without any; None where no data is needed."""
    if protocol.dataset is None:
        return None
    found = sources.find(protocol.dataset, data_dir)
    if found is None and not protocol.smoke:
        raise sources.missing(protocol.dataset, data_dir)
    return found or sources.stand_in(protocol.dataset)


def conditions_for(source: sources.Source | None, device: str, gpus: int = 1) -> Conditions:
    """The part of the surroundings that enters every key; several processes round differently from one."""
    fingerprint = source.fingerprint if source else "none"
    kind = device.partition(":")[0] + (f" x{gpus}" if gpus > 1 else "")
    return Conditions(kind, environment.torch_version(), fingerprint)


def make_experiment(
    reproduction: Reproduction,
    protocol_name: str | None,
    seeds: int | None,
    device: str,
    data_dir: Path | None,
    gpus: int = 1,
) -> Experiment:
    """An experiment under this machine's conditions."""
    protocol = choose_protocol(reproduction, protocol_name)
    if seeds is not None and seeds < 1:
        raise BadValue(
            f"--seeds {seeds} must be at least 1; a verdict needs 3, this protocol declares {protocol.seeds}"
        )
    source = source_for(protocol, data_dir)
    root = source.root if source else None
    return Experiment(
        reproduction, protocol, seeds or protocol.seeds, conditions_for(source, device, gpus), root
    )
