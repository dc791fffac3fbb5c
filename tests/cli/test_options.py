"""Closed choices: the names are those that the harness knows, and a wrong one is one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import repro
import reproductions
from harness.analysis.published_weights import VIEWS
from harness.cli.options import NormalisationOption, PrecisionOption, RecipeOption, SplitOption, ViewsOption
from harness.contract.errors import UnknownName
from harness.contract.trial import Precision
from harness.data.catalogue import DATA_SETS
from harness.models.published import NORMALISATIONS
from harness.training.scheduled.recipes import RECIPES


def test_the_names_are_those_that_the_harness_knows() -> None:
    assert set(RecipeOption) == set(RECIPES)
    assert set(ViewsOption) == set(VIEWS)
    assert set(NormalisationOption) == set(NORMALISATIONS)
    assert set(PrecisionOption) == {"auto", *Precision}
    assert set(SplitOption) == {split for one in DATA_SETS.values() for split in one.images}


ROOT = Path(repro.__file__).parent
WEIGHTS = ("evaluate", "--weights", "w.pth")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("bench", "imagnet"), "unknown workload 'imagnet' (nearest: imagenet, input"),
        (("bench", "lrn", "cifar"), "unknown workload 'cifar' (nearest: cifar-trial)"),
        (("bench", "imagenet", "--recipe", "cafe"), "unknown recipe 'cafe' (nearest: caffe"),
        (("bench", "imagenet", "--precision", "fp16"), "unknown precision 'fp16' (nearest: bf16, fp32)"),
        (("run", "lrn", "--precision", "x"), "unknown precision 'x' (known: auto, bf16, fp32)"),
        (
            (*WEIGHTS, "--data", "imagenette2"),
            "unknown data set 'imagenette2' (nearest: imagenette, imagenet",
        ),
        ((*WEIGHTS, "--split", "valid"), "unknown split 'valid' (nearest: val"),
        ((*WEIGHTS, "--views", "center"), "unknown choice of views 'center' (nearest: centre"),
        ((*WEIGHTS, "--normalisation", "mean"), "unknown normalisation 'mean' (nearest: mean-image"),
        (("data", "verify", "cifar"), "unknown data set 'cifar' (nearest: cifar10)"),
        (
            ("data", "prepare", "cifar10", "--source", "."),
            "unknown data set to pack 'cifar10' (nearest: imagenet",
        ),
        (("data", "prepare", "[/x]", "--source", "."), "unknown data set to pack '[/x]'"),
        (("report", "--index", "a", "--out", "b"), "--index writes its page into a: leave out --out, --form"),
        (("report", "--index", "a", "--format", "csv"), "--index writes its page into a: leave out --out"),
    ],
)
def test_a_wrong_name_is_one_sentence_and_status_2(
    arguments: tuple[str, ...],
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["repro.py", *arguments])
    with pytest.raises(SystemExit) as left:
        repro.main()
    assert left.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"repro: {sentence}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (("bench",), ["<alexnet-step|cifar-trial|", "<paper|source-2012|caffe>", "<auto|fp32|bf16>"]),
        (("run",), ["<auto|fp32|bf16>"]),
        (("evaluate",), ["<train|val|test>", "<centre|ten|both>", "<mean-image|torchvision|caffe>"]),
        (("data", "prepare"), ["<imagenette|imagenet|imagenet-2010>"]),
    ],
)
def test_help_lists_the_names(command: tuple[str, ...], names: list[str]) -> None:
    shown = CliRunner().invoke(repro.app, [*command, "--help"], env={"COLUMNS": "200"}).output
    assert [name for name in names if name not in shown] == []


def test_a_name_is_read_as_itself(tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        CliRunner().invoke(repro.app, ["data", "verify", "Imagenet"], catch_exceptions=False)


COMPLETE = """
import sys, repro
try:
    repro.app(prog_name="repro")
except SystemExit:
    sys.exit("torch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("run rel", {"relu-speedup"}),
        ("run relu-speedup impl", {"implementations"}),
        ("explain over", {"overlapping-pooling"}),
        ("run relu-speedup --protocol ", {p.name for p in reproductions.named("relu-speedup").protocols}),
        ("run --device cpu relu-speedup --protocol sm", {"smoke"}),
        ("explain lrn --protocol ", {p.name for p in reproductions.named("lrn").protocols}),
        ("run --all --protocol smo", {"smoke"}),
    ],
)
def test_a_shell_completes_claims_and_their_protocols(typed: str, offered: set[str]) -> None:
    """As bash asks: through variables, in its own process, which has no time for torch."""
    words = f"repro {typed}"
    asked = {"_REPRO_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run(
        [sys.executable, "-c", COMPLETE], env=os.environ | asked, cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert set(done.stdout.split()) == offered
