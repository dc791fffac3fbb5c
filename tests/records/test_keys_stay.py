"""Additions to the project leave every stored record fresh; changes to what computes a result do not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import reproductions
from harness.contract.trial import Trial
from harness.plans.experiment import Protocol, Reproduction
from harness.records.code_version import SourceTree, version_of
from harness.records.keys import ON_A_GPU, entries
from harness.testing.records import REAL, answer

ROOT = Path(reproductions.__file__).resolve().parents[1]


@cache
def trials() -> dict[str, Trial]:
    """A trial of every kind that the reproductions plan, by its settings' class and network."""
    found: dict[str, Trial] = {}

    def take(reproduction: Reproduction, protocol: Protocol) -> None:
        plan = reproduction.plan(protocol.at(REAL.precision), 2, lambda trial: answer(trial))
        for planned in plan.trials:
            found.setdefault(" ".join(sorted(entries(planned.trial))), planned.trial)

    for reproduction in reproductions.every():
        for protocol in reproduction.protocols:
            take(reproduction, protocol)
    return found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "harness", root / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "reproductions", root / "reproductions")
    return root


def versions(root: Path) -> list[str]:
    tree = SourceTree(root)
    return [version_of(entries(trial), tree) for trial in trials().values()]


unchanged = cache(versions)  # of the source that each test changes in its own way


def changed(source: Path, target: Path, change: Callable[[Path], None]) -> list[bool]:
    """Which kinds of trials have another version once the source is changed."""
    shutil.copytree(source, target)
    change(target)
    return [a != b for a, b in zip(unchanged(source), versions(target), strict=True)]


def replaced(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def add_a_layer(root: Path) -> None:
    description = root / "harness" / "models" / "description.py"
    replaced(
        description,
        "@dataclass(frozen=True)\nclass Dropout(Layer):",
        "@dataclass(frozen=True)\nclass Shuffle(Layer):\n"
        '    """Shuffles maps."""\n\n'
        '    implementation: ClassVar[str] = "harness.models.layers.shuffle:build"\n\n\n'
        "@dataclass(frozen=True)\nclass Dropout(Layer):",
    )
    shuffle = "from torch import nn\n\n\ndef build(layer, shape):\n    return nn.ChannelShuffle(2)\n"
    (root / "harness" / "models" / "layers" / "shuffle.py").write_text(shuffle, encoding="utf-8")


def add_a_data_set(root: Path) -> None:
    replaced(
        root / "harness" / "data" / "catalogue.py",
        "    for one in (\n",
        "    for one in (\n"
        '        DataSet("places", "Places", 365, {"train": 1_803_460, "val": 36_500}, ("places",), ""),\n',
    )


def correct_a_size(root: Path) -> None:
    replaced(root / "harness" / "data" / "catalogue.py", "9_469", "9_470")


def add_a_claim(root: Path) -> None:
    replaced(root / "harness" / "paper" / "catalogue.py", "CLAIMS", "ALL_CLAIMS")
    template = root / "harness" / "cli" / "commands" / "templates" / "reproduction.py.txt"
    shutil.copy(template, root / "reproductions" / "another.py")


def add_a_program(root: Path) -> None:
    program = "def run(trial, session):\n    return None\n"
    (root / "harness" / "training" / "another.py").write_text(program, encoding="utf-8")


def write_differently(root: Path) -> None:
    replaced(root / "harness" / "training" / "update.py", "weights: list[Tensor]", "weights: list[Any]")
    replaced(root / "harness" / "models" / "layers" / "dropout.py", "is not in [0, 1)", "must be in [0, 1)")
    loop = root / "harness" / "training" / "loop.py"
    loop.write_text(loop.read_text(encoding="utf-8") + "\n# a remark\n", encoding="utf-8")


ADDITIONS = (add_a_layer, add_a_data_set, correct_a_size, add_a_claim, add_a_program, write_differently)


def test_what_is_added_leaves_every_record_fresh(source: Path, tmp_path: Path) -> None:
    """All additions to one copy; only if a key changes, each to its own copy, to say which one changed it."""

    def all_of_them(root: Path) -> None:
        for addition in ADDITIONS:
            addition(root)

    if any(changed(source, tmp_path / "changed", all_of_them)):
        moved = [one.__name__ for one in ADDITIONS if any(changed(source, tmp_path / one.__name__, one))]
        pytest.fail(f"records are stale after {', '.join(moved) or 'all additions together'}")


def test_what_computes_makes_those_stale_that_depend_on_it(source: Path, tmp_path: Path) -> None:
    def update(root: Path) -> None:
        replaced(root / "harness" / "training" / "update.py", "self.momentum)", "self.momentum + 0)")

    kinds = list(trials().values())
    stale = changed(source, tmp_path / "changed", update)
    for trial, is_stale in zip(kinds, stale, strict=True):
        assert is_stale or type(trial.settings).__name__ in {"Kernels", "Neighbours", "Ensemble"}
    assert any(stale)


@pytest.mark.parametrize("module", sorted(ON_A_GPU))
def test_what_only_a_gpu_runs_is_of_no_concern_to_a_cpu(module: str, source: Path, tmp_path: Path) -> None:
    """On a GPU, it does matter."""
    shutil.copytree(source, tmp_path / "changed")
    path = (tmp_path / "changed").joinpath(*module.split(".")).with_suffix(".py")
    replaced(path, "return ", "print(); return ")
    before, after = SourceTree(source), SourceTree(tmp_path / "changed")
    trained = frozenset({"harness.training.scheduled.program:run", "harness.models.layers.lrn:build"})
    assert version_of(trained, before, ON_A_GPU) == version_of(trained, after, ON_A_GPU)
    assert version_of(trained, before) != version_of(trained, after)


def test_there_are_trials_of_every_program() -> None:
    programs = {trial.settings.implementation for trial in trials().values()}
    assert len(programs) >= 6
