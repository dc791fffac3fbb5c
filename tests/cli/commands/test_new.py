"""What `repro.py new` writes keeps the contract of all reproductions; it refuses what it cannot write."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import reproductions
from harness.cli import app
from harness.cli.commands.new import TEMPLATE, new, sections, text
from harness.contract.errors import BadValue, HarnessError
from harness.paper.catalogue import CLAIMS, claim

ROOT = Path(__file__).resolve().parents[3]
FREE = "fall-2009"
CHECKS = str(ROOT / "tests" / "reproductions" / "test_contract.py")


def test_what_it_writes_keeps_the_contract(tmp_path: Path) -> None:
    """The contract's own tests, in a process that finds no other reproduction than the new one."""
    folder = tmp_path / "reproductions"
    folder.mkdir()
    shutil.copy(Path(reproductions.__path__[0]) / "__init__.py", folder)
    assert new("my-claim", FREE, folder) == folder / "my_claim.py"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-v",
        "-p",
        "no:cacheprovider",
        "-c",
        str(ROOT / "pyproject.toml"),
        "-o",
        "pythonpath=",  # or the checkout's reproductions would come first
        "--noconftest",  # what other tests share imports torch
        "-p",
        "no:hypothesispytest",
    ]
    tests = subprocess.run(
        [*command, CHECKS], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert tests.returncode == 0, tests.stdout
    tried = set(re.findall(r"::test_it_is_found_under_its_own_name\[(.*)\] PASSED", tests.stdout))
    assert tried == {"my-claim"}
    assert "my-claim" in text("my-claim", claim(FREE))


@pytest.mark.parametrize("command", [("check",), ("format", "--check")])
def test_it_is_formatted_whatever_the_claim(command: tuple[str, ...], tmp_path: Path) -> None:
    for one in CLAIMS:
        path = tmp_path / f"{one.id.replace('-', '_')}.py"
        path.write_text(text(one.id, one), encoding="utf-8")
        compile(path.read_text(encoding="utf-8"), str(path), "exec")
    ruff = Path(sys.executable).with_name("ruff")
    style = [ruff, *command, "--no-cache", "--config", ROOT / "pyproject.toml", tmp_path]
    checked = subprocess.run(style, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("name", "claim_id", "sentence"),
    [
        ("lrn", None, "lrn.py already exists: choose another name, or edit that file"),
        ("2nd-look", FREE, "'2nd-look' cannot name a reproduction: use lower-case letters"),
        ("_", FREE, "'_' cannot name a reproduction"),
        ("-x", FREE, "'-x' cannot name a reproduction"),
        ("__main__", FREE, "'__main__' cannot name a reproduction"),
        ("a" * 300, FREE, "cannot name a reproduction: use lower-case letters"),
        ("My-Claim", FREE, "'My-Claim' cannot name a reproduction"),
        ("class", FREE, "'class' cannot name a reproduction"),
        ("../elsewhere", FREE, "'../elsewhere' cannot name a reproduction"),
        ("für-alle", FREE, "'für-alle' cannot name a reproduction"),
        ("fall-2008", None, "unknown claim 'fall-2008' (nearest: fall-2009"),
        ("again", "lrnn", "unknown claim 'lrnn' (nearest: lrn"),
        (
            "again",
            "ten-view",
            "claim 'ten-view' is already answered by the reproduction error-rate: edit that one",
        ),
        ("ten-view", FREE, "'ten-view' already names the reproduction error-rate"),
    ],
)
def test_what_it_refuses(name: str, claim_id: str | None, sentence: str) -> None:
    before = set(Path(reproductions.__path__[0]).iterdir())
    with pytest.raises(HarnessError) as refused:
        app.new(name, claim_id)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert set(Path(reproductions.__path__[0]).iterdir()) == before


def test_the_template_is_packaged() -> None:
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    assert TEMPLATE.is_file()
    assert TEMPLATE.relative_to(ROOT / "harness/cli/commands").match(*packaged["harness.cli.commands"])


def test_sections_as_docstrings_write_them() -> None:
    assert sections(claim("depth")) == "§1, §7"
    assert sections(claim("architecture")) == "abstract, §1, §3.5, Fig. 2"


def test_a_name_in_use_is_refused_however_it_is_spelled(tmp_path: Path) -> None:
    for name in ("ten-view", "ten_view"):
        with pytest.raises(BadValue, match="'ten-view' already names the reproduction error-rate"):
            new(name, "pretraining", tmp_path)
