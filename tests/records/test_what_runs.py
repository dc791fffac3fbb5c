"""Nothing that runs in a trial is missing from its version."""

from __future__ import annotations

import dataclasses
import dis
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pkgutil import resolve_name
from types import CodeType, FrameType

import pytest

from harness.analysis.settings import Ensemble, Kernels, Neighbours
from harness.contract.ranks import Rank
from harness.contract.session import Artifacts, Session
from harness.contract.trial import Precision, Trial
from harness.data.views import Augmentation, ColourNoise
from harness.models.alexnet import alexnet
from harness.models.cifar10 import eleven
from harness.models.modern import normalised
from harness.plans.ablation import Arm
from harness.plans.protocols import SMOKE, looked_at
from harness.records.code_version import CHECKOUT, counts, reached
from harness.records.keys import entries
from harness.training.scheduled.program import run
from harness.training.scheduled.recipe import Photographs
from harness.training.scheduled.recipe import scheduled as measured
from harness.training.scheduled.recipes import PAPER
from harness.training.schedules import LOGGED, Plateau
from harness.training.timing import step_time
from harness.training.timing.settings import Arrangement, Feed, StepTime
from tests.fakes.evidence.trials import small
from tests.fakes.photographs import contents, folders, pack

BRIEF = {
    "images": 130,
    "test_images": 20,
    "sample": 20,
    "max_epochs": 1,
    "parts": 1,
} | looked_at(10)
TRAINED = Trial(dataclasses.replace(SMOKE.settings.settings(Arm()), **BRIEF), 1)
CROPPED = Augmentation(side=67, colour=ColourNoise())
PACKED = measured(
    dataclasses.replace(
        PAPER,
        network=alexnet("paper", side=67, width=1 / 16, classes=3),
        augmentation=CROPPED,
        schedule=LOGGED,
        batch_size=16,
    ),
    dataset="imagenette",
    reader=Photographs(),
    max_epochs=1,
    parts=2,
)
TIMED = StepTime(alexnet("paper", side=67, width=1 / 16, classes=10), batch=4, steps=1, warm_up=1, images=8)
TRIALS = {
    "scheduled": TRAINED,
    "in half precision, on a plateau": Trial(
        dataclasses.replace(
            TRAINED.settings, schedule=Plateau(), network=normalised(TRAINED.settings.network)
        ),
        1,
        Precision.BF16,
    ),
    "to a target": Trial(small(network=eleven(), crop=24, max_epochs=1), 0),
    "packed": Trial(PACKED, 2),
    "timed": Trial(dataclasses.replace(TIMED, feed=Feed.BACKGROUND, augmentation=CROPPED), 0),
    "timed in columns": Trial(dataclasses.replace(TIMED, arrangement=Arrangement.STREAMS), 0),
    "kernels": Trial(Kernels(TRAINED, 10), 0),
    "neighbours": Trial(Neighbours(TRAINED, 4, 2, 1), 0),
    "ensemble": Trial(Ensemble((TRAINED,)), 0),
}


@contextmanager
def watched() -> Iterator[set[CodeType]]:
    """The code of everything that is called meanwhile, in any thread."""
    found: set[CodeType] = set()
    over = threading.Event()

    def see(frame: FrameType, event: str, arg: object) -> None:
        if event == "call" and not over.is_set():
            found.add(frame.f_code)

    before = sys.getprofile()
    threading.setprofile(see)
    sys.setprofile(see)
    try:
        yield found
    finally:
        over.set()  # threads that live on keep calling
        sys.setprofile(before)
        threading.setprofile(None)


def definition(code: CodeType) -> str | None:
    """The id of the definition that code belongs to; None for that of other modules and of class bodies."""
    path = Path(code.co_filename)
    if not path.is_relative_to(CHECKOUT.root) or not code.co_flags & inspect.CO_OPTIMIZED:
        return None
    names = path.relative_to(CHECKOUT.root).with_suffix("").parts
    module = ".".join(names[:-1] if names[-1] == "__init__" else names)
    outer = code.co_qualname.partition(".<")[0]
    return f"{module}:{outer}" if counts(module) else None


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a pack of a few photographs and a trained network."""
    made = tmp_path_factory.mktemp("runs")
    source = folders(made / "source", contents({"train": 10, "val": 1}))
    pack(source, made / "imagenette.pack")
    run(TRAINED, session(made, "trained"))
    return made


def session(folder: Path, name: str) -> Session:
    place = Artifacts(folder / f"{name}.safetensors", lambda trial: folder / "trained.safetensors")
    data = folder / "imagenette.pack" if name == "packed" else None
    return Session("cpu", data, folder / f"{name}.pt", place)


def program(trial: Trial) -> Callable[[Trial, Session], object]:
    """The program; one that starts processes is run as one of them, where it can be watched."""
    if isinstance(trial.settings, StepTime):
        return lambda trial, session: step_time.measure(Rank(0, 1, session.device), trial)
    run: Callable[[Trial, Session], object] = resolve_name(trial.settings.implementation)
    return run


def ran(folder: Path, name: str) -> set[CodeType]:
    """The code that runs in a trial, of those modules that count."""
    trial = TRIALS[name]
    run, here = program(trial), session(folder, name)
    with watched() as codes:
        run(trial, here)
    return {code for code in codes.copy() if definition(code)}


def read(code: CodeType) -> set[str]:
    """Ids of the names of its module that the code reads."""
    module = str(definition(code)).partition(":")[0]
    known = CHECKOUT.module(module)
    names = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    return {f"{module}:{name}" for name in names if known and name in known}


# In a thread, in the backward pass, by a module's name, and by an attribute's name in a variable.
SOME = {
    "scheduled": {
        "harness.models.layers.lrn_numba:FusedNumba.backward",
        "harness.models.layers.lrn_numba:FusedNumba.forward",
    },
    "packed": {"harness.data.inputs.prefetch:Prefetched._make", "harness.training.schedules:Stages.at"},
    "timed": {"harness.training.timing.batches:_take", "harness.data.augmentation:Augmented.gather"},
    "to a target": {"harness.models.layers.local:LocallyConnected.forward"},
}


@pytest.mark.parametrize("name", TRIALS)
def test_all_that_runs_is_reached(folder: Path, name: str) -> None:
    codes, known = ran(folder, name), set(reached(entries(TRIALS[name])))
    found = {str(definition(code)) for code in codes}
    assert SOME.get(name, set()) <= found
    assert found <= known
    # If one is missing that only an error's text or a log line needs, it may be left out here.
    assert {used for code in codes for used in read(code)} <= known


def test_it_would_be_noticed_if_an_entry_were_missing(folder: Path) -> None:
    found = {str(definition(code)) for code in ran(folder, "kernels")}
    trained = reached({"harness.training.scheduled.program:run"})
    assert "harness.analysis.kernels:chroma" in found - trained.keys()
