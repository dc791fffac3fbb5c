"""From the user's options to experiments: which reproductions, protocol, device and data."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from harness.cli.options import PrecisionOption
from harness.contract import numerics
from harness.contract.device import CPU, Device
from harness.contract.errors import BadValue, EngineError
from harness.contract.trial import Precision
from harness.data import sources
from harness.engines.machine import gpus as machine
from harness.forecast import priorities
from harness.plans.experiment import Experiment, Protocol, Reproduction
from harness.records import environment
from harness.records.conditions import Conditions
from harness.records.store import MOST_SEEDS
from harness.training.timing.settings import StepTime

MOST_PER_CORE = 8  # workers: each is a process of its own, with torch in it


def choose_protocol(
    reproduction: Reproduction, name: str | None, device: Device, gpus: int | None = None
) -> Protocol:
    """The requested protocol or, without a name, the first on this device that can give a verdict.

    Where none can, as for costs and questions, it is the first that is not smoke. `gpus` as for `wanting`.
    """
    if name is not None:
        return reproduction.protocol(name)
    real = [protocol for protocol in reproduction.protocols if not protocol.smoke]
    here = [protocol for protocol in real if not wanting(reproduction, protocol, device, gpus)]
    fit = here or real or reproduction.protocols
    return next((p for p in fit if priorities.decidable(reproduction, p)), fit[0])


def wanting(reproduction: Reproduction, protocol: Protocol, device: Device, gpus: int | None = None) -> str:
    """What the device lacks for the protocol's trials; empty if nothing.

    `gpus` is the largest number in one of the machines that run trials; None: those of this machine.
    """
    found = [trial.settings for trial in priorities.whole(reproduction, protocol, 1)]
    kinds = {settings.device for settings in found} - {None, device.kind}
    if kinds:
        return f"it runs on {' and '.join(sorted(map(str, kinds)))} only, and the device is {device.kind}"
    ranks = max((one.ranks for one in found if isinstance(one, StepTime)), default=1)
    if not device.cuda:  # on a CPU, cores stand for GPUs
        return ""
    have = machine.count() if gpus is None else gpus
    return f"it needs {ranks} GPUs in one machine, where there is {have}" if 0 < have < ranks else ""


def choose_device(asked: str, gpus: int = 1) -> Device:
    """The requested device or, for `auto`, the one found; torch is imported only to find a GPU.

    `gpus` of them (cores, on a CPU) train one network together.
    """
    found = Device.parse("cuda" if asked == "auto" else asked)
    if gpus > 1 and found.index is not None:
        raise BadValue(f"--device {asked} names one GPU, but --gpus {gpus} needs several: use --device cuda")
    if found.cuda:
        count = machine.count()
        if asked == "auto" and not count:
            found = CPU
        elif (found.index or 0) >= count:
            raise EngineError(
                f"--device {asked}: torch {environment.torch_version()} sees {count} CUDA devices; "
                "use --device cpu, or run './repro.py doctor' to see what is missing"
            )
    return replace(found, count=_check_together(gpus, found))


def _check_together(gpus: int, device: Device) -> int:
    """The number requested, if this machine can train one network in that many processes."""
    if gpus < 1:
        raise BadValue(f"--gpus {gpus} must be at least 1")
    have = machine.count() if device.cuda else environment.cores()
    if gpus > max(1, have):
        what = "CUDA devices" if device.cuda else "cores, which stand for GPUs on a CPU"
        raise EngineError(f"--gpus {gpus}: this machine has {have} {what}")
    return gpus


def choose_workers(asked: int | None, device: Device) -> int:
    """The number requested, else as many as the device takes.

    If several GPUs train one network together, one trial at a time uses all of them.
    """
    cores = environment.cores()
    if asked is not None and not 1 <= asked <= MOST_PER_CORE * cores:
        raise BadValue(
            f"--workers {asked} must be at least 1 and at most {MOST_PER_CORE * cores}, as each is a process "
            f"and there {'is 1 core' if cores == 1 else f'are {cores} cores'}"
        )
    if (copies := os.environ.get("WORLD_SIZE", "1")) != "1":
        raise BadValue(
            f"a launcher such as torchrun started {copies} copies: start only one, with --gpus {copies}"
        )
    if device.count > 1:
        if asked is not None and asked > 1:
            raise BadValue(f"--gpus {device.count} trains one network at a time: leave --workers {asked} out")
        return 1
    return asked or default_workers(device)


def default_workers(device: Device) -> int:
    """One per core on a CPU; four per GPU, but no more than there are cores."""
    cores = environment.cores()
    return min(machine.PER_GPU * len(machine.each(device)), cores) if device.cuda else cores


def choose_precision(asked: PrecisionOption, protocol: Protocol, device: Device) -> Precision:
    """The requested precision; for `auto` the protocol's own, else bf16 where the hardware supports it."""
    if asked is not PrecisionOption.AUTO:
        return Precision(asked)
    return protocol.precision or environment.best_precision(device.kind)


def source_for(protocol: Protocol, data_dir: Path | None) -> sources.Source | None:
    """The protocol's data; the stand-in for a smoke run without data; None if no data is needed."""
    if protocol.dataset is None:
        return None
    found = sources.find(protocol.dataset, data_dir)
    if found is None and not protocol.smoke:
        raise sources.missing(protocol.dataset, data_dir)
    if found is not None and found.place is not None:
        sources.check_tested(protocol.dataset, found.place)
    return found or sources.stand_in(protocol.dataset)


def make_experiment(
    reproduction: Reproduction,
    protocol_name: str | None,
    seeds: int | None,
    device: Device,
    data_dir: Path | None,
    precision: PrecisionOption = PrecisionOption.AUTO,
    gpus: int | None = None,
) -> Experiment:
    """An experiment under this machine's conditions; `gpus` as for `wanting`."""
    protocol = choose_protocol(reproduction, protocol_name, device, gpus)
    if lack := wanting(reproduction, protocol, device, gpus):
        raise EngineError(
            f"{reproduction.name} at {protocol.name}: {lack}; name another protocol with --protocol, or "
            "another device with --device"
        )
    if seeds is not None and not 1 <= seeds <= MOST_SEEDS:
        raise BadValue(
            f"--seeds {seeds} must be at least 1 and at most {MOST_SEEDS:,}; a verdict needs 3, this "
            f"protocol declares {protocol.seeds}"
        )
    source = source_for(protocol, data_dir)
    conditions = Conditions(
        device.kind,
        environment.torch_version(),
        source.identity if source else None,
        choose_precision(precision, protocol, device),
        device.count,
        numerics.usual(device.kind),
    )
    return Experiment(
        reproduction, protocol, seeds or protocol.seeds, conditions, source.place if source else None
    )
