"""Options from a file: which file, what overrides it, and what is wrong in it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import repro
from harness.cli import defaults
from harness.cli.defaults import KEYS, Defaults, read


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REPRO_DATA", raising=False)
    return tmp_path


def printed(*words: str) -> str:
    return CliRunner().invoke(repro.app, words, catch_exceptions=False).output


def test_without_a_file_nothing_is_set(here: Path) -> None:
    (here / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert read() == Defaults("", {})
    assert "no records in results;" in printed("status")


def test_repro_toml_comes_before_pyproject_toml_and_the_command_line_before_both(here: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.alexnet-repro]\nresults-dir = "second"\n')
    assert "no records in second;" in printed("status")
    (here / "repro.toml").write_text('results-dir = "first"\n')
    assert "no records in first;" in printed("status")
    assert "no records in third;" in printed("status", "--results-dir", "third")
    assert str(read()) == "repro.toml: results-dir = first"


def test_the_environment_comes_before_the_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "repro.toml").write_text('data-dir = "of-the-file"\n')
    with pytest.raises(Exception, match="of-the-file is not a folder"):
        printed("data", "verify")
    monkeypatch.setenv("REPRO_DATA", str(here / "of-the-environment"))
    with pytest.raises(Exception, match="of-the-environment"):
        printed("data", "verify")


def test_every_key_is_an_option_of_each_of_its_commands() -> None:
    commands = typer.main.get_command(repro.app).commands  # type: ignore[attr-defined]
    for key, names in KEYS.items():
        for name in names:
            below = getattr(commands[name], "commands", {}).values() or [commands[name]]
            assert f"--{key}" in [option for one in below for param in one.params for option in param.opts]


def test_numbers_and_names_reach_their_options(here: Path) -> None:
    (here / "repro.toml").write_text('workers = 3\nprecision = "bf16"\ndevice = "cpu"\n')
    command = typer.main.get_command(repro.app)
    context = typer.Context(command)
    defaults.apply(context)
    run = command.commands["run"]  # type: ignore[attr-defined]
    with run.make_context("run", ["lrn"], default_map=context.default_map["run"]) as made:
        assert [made.params[name] for name in ("workers", "precision", "device")] == [3, "bf16", "cpu"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('result-dir = "x"', "unknown key in repro.toml 'result-dir' (nearest: results-dir"),
        ('workers = "many"', "repro.toml: workers = 'many': "),
        ("workers = 0", "repro.toml: workers = 0: it must be at least 1"),
        ("gpus = true", "repro.toml: gpus = True must be a string or a whole number"),
        ('device = "gpu"', "repro.toml: device = 'gpu': --device gpu is not one of auto, cpu, cuda"),
        ('precision = "fp16"', "repro.toml: precision = 'fp16': unknown precision 'fp16' (nearest: bf16"),
        ('engine = "rye"', "repro.toml: engine = 'rye': unknown engine 'rye' (nearest: ray)"),
        ("data-dir = ['a']", "repro.toml: data-dir = ['a'] must be a string or a whole number"),
        ("x =", "repro.toml cannot be read (Invalid value"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_file_and_key(
    text: str, sentence: str, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "repro.toml").write_text(text)
    monkeypatch.setattr(sys, "argv", ["repro", "status"])
    with pytest.raises(SystemExit) as end:
        repro.main()
    said = capsys.readouterr().err
    assert (end.value.code, said.count("\n")) == (2, 1)
    assert sentence in said


def test_a_pyproject_whose_tool_is_no_table_sets_nothing(here: Path) -> None:
    (here / "pyproject.toml").write_text("tool = 3\n")
    assert read().values == {}


def test_a_pyproject_that_sets_no_table_is_named(here: Path) -> None:
    (here / "pyproject.toml").write_text("[tool]\nalexnet-repro = 3\n")
    with pytest.raises(Exception, match=r"pyproject.toml: tool.alexnet-repro is not a table"):
        read()
