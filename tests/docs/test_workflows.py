"""Workflows and the action use only commands, options, inputs and targets that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from harness.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"
MADE_UP = {"claims": "relu-speedup", "options": "--until-decided --budget 5h", "RULE": "worse"}


def read(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps(path: Path) -> Iterator[dict[str, Any]]:
    """Every step of a workflow's jobs, or of an action."""
    text = read(path)
    for job in text["jobs"].values() if "jobs" in text else [text["runs"]]:
        yield from job["steps"]


def commands(path: Path) -> Iterator[list[str]]:
    """Every command line in a file's scripts, with made-up values for the shell's variables."""
    for step in steps(path):
        for line in step.get("run", "").replace("\\\n", " ").splitlines():
            line = re.sub(r"\$\{PROTOCOL:\+(.*?)\}", r"\1", line)
            line = re.sub(r'"\$\{(\w+)\[@\]\}"', lambda found: MADE_UP[found.group(1)], line)
            for call in re.findall(r"repro\.py ([^|;]+)", line):
                yield shlex.split(re.sub(r"\$(\w+)", lambda found: MADE_UP.get(found.group(1), "any"), call))


def accepted(words: list[str]) -> None:
    """Parses the words as the app does, but runs nothing; raises an exception if the app refuses them."""
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="repro.py")
    while hasattr(command, "commands"):
        name, command, words = command.resolve_command(context, words)
        context = typer.Context(command, info_name=name, parent=context)
    command.parse_args(
        context, [word if word != "smoke" or i < 1 else str(ROOT) for i, word in enumerate(words)]
    )


def test_there_are_workflows_and_they_call_the_command_line() -> None:
    assert {path.stem for path in WORKFLOWS} == {"push", "nightly"}
    called = [words[0] for path in (*WORKFLOWS, ACTION) for words in commands(path)]
    assert {"run", "report", "compare", "data", "export"} <= set(called)


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.stem)
def test_every_command_is_one(path: Path) -> None:
    for words in commands(path):
        accepted(words)


def test_a_wrong_option_would_be_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        accepted(["report", "--no-such-option"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_input_and_target_is_there(path: Path) -> None:
    inputs = set(read(ACTION)["inputs"])
    targets = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for step in steps(path):
        if step.get("uses") == "./":
            assert set(step.get("with", {})) <= inputs
        assert set(re.findall(r"make (\w[\w-]*)", step.get("run", ""))) <= targets


@pytest.mark.parametrize("path", [*WORKFLOWS, ACTION], ids=lambda path: path.stem)
def test_actions_are_pinned_and_no_input_is_pasted_into_a_script(path: Path) -> None:
    for step in steps(path):
        uses = step.get("uses", "./")
        assert uses == "./" or re.fullmatch(r"[\w./-]+@(v\d+|[0-9a-f]{40})", uses), uses
        assert "${{" not in step.get("run", "")


def test_every_input_of_the_action_is_used_and_documented() -> None:
    text = ACTION.read_text(encoding="utf-8")
    page = (ROOT / "docs/pipelines.md").read_text(encoding="utf-8")
    for name, one in read(ACTION)["inputs"].items():
        assert f"inputs.{name} " in text
        assert f"| `{name}` |" in page
        assert one["description"].endswith(".")
