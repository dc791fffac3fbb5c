"""Other packages: what they bring is treated like ours, and a broken one stops nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.packages import coins, installed
from tests.fakes.running import known_speed

ROOT = Path(__file__).resolve().parents[2]
SENTENCE = re.compile(r"^repro: the package (\S+) 0\.1 is left out: (.*)$", re.MULTILINE)


def call(folder: Path, *words: object, site: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs the command line with the folder's packages installed, and with few processes."""
    path = os.pathsep.join([str(ROOT), *[str(folder / "site")] * site])
    words = (*words, "--workers", "1") if words[0] == "run" else words
    return subprocess.run(
        [sys.executable, "-m", "repro", *map(str, words), "--results-dir", str(folder / "results")],
        cwd=folder, env=os.environ | {"PYTHONPATH": path, "COLUMNS": "200"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def listed(folder: Path, site: bool = True) -> list[Any]:
    done = call(folder, "list", "--json", site=site)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    known_speed.keep(tmp_path / "results")
    return tmp_path


def status(folder: Path) -> list[Any]:
    return json.loads(call(folder, "status", "--why", "--json").stdout)  # type: ignore[no-any-return]


# Its settings have the same names and values as the other package's; only the code behind them differs.
OF_ROE = {name: text.replace("Doe 1999", "Roe 2001") for name, text in coins("sound", "sound-toss").items()}


@pytest.fixture(scope="module")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two packages and their experiments' records, made once: the worker takes as long as all the rest."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "site").mkdir()
    known_speed.keep(folder / "results")
    installed(folder / "site", "doe-coins", coins())
    installed(folder / "site", "roe-coins", OF_ROE, "sound")
    run = call(folder, "run", "coin-toss", "sound-toss", "--protocol", "paper")
    assert run.returncode == 0, run.stdout + run.stderr
    for name, paper in (("coin-toss", "Doe 1999"), ("sound-toss", "Roe 2001")):
        assert f"{name} at paper ({paper}): 6 of 6 trials" in run.stdout
    return folder


@pytest.fixture
def ran(run_once: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return shutil.copytree(run_once, tmp_path / "ran")


def test_a_packages_claim_is_listed_explained_and_reported_as_its_papers(ran: Path) -> None:
    assert {"coin-toss"} == {row["claim"] for row in listed(ran) if row["of paper"] == "Doe 1999"}
    assert "Doe 1999, § 4" in call(ran, "explain", "coin-toss").stdout
    assert call(ran, "report", "--format", "html,md,json").returncode == 0
    report = ran / "results" / "report"
    found = {one["claim"]: one for one in json.loads((report / "results.json").read_text())["results"]}
    assert found["coin-toss"]["of_paper"] == "Doe 1999"
    assert found["lrn"]["of_paper"] == "Krizhevsky et al. 2012"
    assert found["coin-toss"]["effects"][0]["estimate"] == -10.0  # 10 times two sides minus 10 times three
    for page in ("report.html", "report.md"):
        assert "Doe 1999" in (report / page).read_text()
    assert "Those of Doe 1999 are declared by the package doe-coins." in (report / "report.md").read_text()


def test_its_records_name_it_and_are_stale_once_its_code_computes_something_else(ran: Path) -> None:
    records = [json.loads(path.read_text()) for path in (ran / "results" / "records").iterdir()]
    assert [record["environment"]["plugins"] for record in records] == ["doe-coins 0.1, roe-coins 0.1"] * 12
    program = ran / "site" / "coins_program.py"
    program.write_text(program.read_text().replace("return 7", "return 8") + "\n# a comment\n")
    before = status(ran)
    assert [row["standing"] for row in before] == ["fresh"] * 12
    its = {row["key"] for row in before if row["why"].startswith("coin-toss at paper")}
    assert len(its) == 6
    program.write_text(program.read_text().replace("10.0 * sides", "11.0 * sides"))
    stale = {row["key"]: row["why"] for row in status(ran) if row["standing"] == "stale"}
    assert stale.keys() == its
    assert all("the code that it depends on is now version" in why for why in stale.values())


BROKEN = {
    "an import error": (
        {"coins.py": "import nothing_of_that_name\n"},
        "ModuleNotFoundError: No module named 'nothing_of_that_name'; fix it, or uninstall doe-coins",
    ),
    "an exit": ({"coins.py": "raise SystemExit(3)\n"}, "SystemExit: 3; fix it"),
    "nothing of that name": ({"coins.py": "OTHER = 1\n"}, "has no attribute 'PAPER'; fix it"),
    "another type": (
        {"coins.py": "PAPER = {'claims': []}\n"},
        "it is a dict: name a harness.paper.papers.Paper",
    ),
    "no claim": (
        {"coins.py": "from harness.paper.papers import Paper\nPAPER = Paper('Doe', 'On', ('coin-toss',))\n"},
        "its claims hold a str: make each a harness.paper.claims.Claim",
    ),
    "a claim of AlexNet's": (
        coins(claim="lrn"),
        "Krizhevsky et al. 2012 already has a claim 'lrn': give this one another id",
    ),
    "a plan that fails": (
        {name: text.replace("Tossing(sides)", "Tossing()") for name, text in coins().items()},
        "missing 1 required positional argument: 'sides'; fix it",
    ),
    "no side": (
        {name: text.replace(", side=Side.ABOVE", "") for name, text in coins().items()},
        "its claim 'coin-toss' is a direction without side: declare both",
    ),
    "a program that is not there": (
        {name: text.replace("_program:run", "_program:go") for name, text in coins().items()},
        "LookupError: 'coins_program:go' is not a definition in a module that counts",
    ),
    "a program that is no Python": (
        coins() | {"coins_program.py": "def run(trial, session:\n"},
        "SyntaxError: ",
    ),
    "settings without a summary": (
        {name: text.replace("def summary", "def other") for name, text in coins().items()},
        "object has no attribute 'summary'",
    ),
    "a figure of no such name": (
        {name: text.replace('manipulated=("sides",)', 'figure="curves"') for name, text in coins().items()},
        "unknown figure 'curves' (nearest: training-curves, learning-curves",
    ),
    "a data set of no such name": (
        {name: text.replace('"tosses", None, 2', '"tosses", "mnist", 2') for name, text in coins().items()},
        "unknown data set 'mnist' of smoke (",
    ),
    "no smoke protocol": (
        {name: text.replace('"smoke"', '"smoky"') for name, text in coins().items()},
        "unknown protocol 'smoke' of coin-toss (nearest: smoky)",
    ),
}


@pytest.mark.parametrize(("files", "why"), BROKEN.values(), ids=BROKEN)
def test_a_broken_package_is_one_sentence_and_stops_no_other(
    folder: Path, files: dict[str, str], why: str
) -> None:
    installed(folder / "site", "doe-coins", files)
    installed(folder / "site", "ok-coins", OF_ROE, "sound")
    claims, (trouble,) = loaded(folder)
    assert trouble.startswith("the package doe-coins 0.1 is left out: entry point 'one = coins:")
    assert why in trouble
    assert "\n" not in trouble
    assert claims["sound-toss"] == "Roe 2001"
    assert list(claims.values()).count("Krizhevsky et al. 2012") == 22  # pretraining and fall-2009 have none


def loaded(folder: Path) -> tuple[dict[str, str], list[str]]:
    """The claims that reproductions answer, each with its paper, and the problems, in a fresh process."""
    code = (
        "import json, reproductions; from harness.contract import plugins; from harness.paper import papers\n"
        "ids = [c for r in reproductions.every() for c in r.claims]\n"
        "found = {i: papers.of(papers.claim(i)).paper.name for i in ids}, plugins.troubles()\n"
        "print(json.dumps(found))"
    )
    path = os.pathsep.join([str(ROOT), str(folder / "site")])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=os.environ | {"PYTHONPATH": path},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def test_two_packages_with_one_claim_are_told_apart(folder: Path) -> None:
    installed(folder / "site", "a-coins", coins())
    other = {name: text.replace("Doe 1999", "Poe 1840") for name, text in coins("others").items()}
    installed(folder / "site", "b-coins", other, "others")
    claims, (trouble,) = loaded(folder)
    assert claims["coin-toss"] == "Doe 1999"
    assert trouble.startswith("the package b-coins 0.1 is left out")
    assert "Doe 1999 already has a claim 'coin-toss'" in trouble


def break_estimate(site: Path) -> None:
    module = site / "coins.py"
    module.write_text(module.read_text().replace("    values = ", "    {}['heads']\n    values = "))


def break_plan(site: Path) -> None:
    """It raises once there are records, and not before."""
    module = site / "sound.py"
    made = (
        "    trials = [protocol.trial(Tossing(2), 0)]\n    lookup(trials[0]) and {}['heads']\n    trials = ("
    )
    module.write_text(module.read_text().replace("    trials = (", made))


# What a slow machine says besides: of anything that takes longer than two seconds.
PROGRESS = re.compile(r"^[a-z ]+: (\d+ of \d+\b.*|\S+ s so far|done in \S+ s)\n", re.MULTILINE)
PACKAGE = (
    "repro: the package poe-coins 0.1 is left out: entry point 'one = none:PAPER' of alexnet_repro.papers "
    "cannot be used (ModuleNotFoundError: No module named 'nothing_of_that_name'; fix it, or uninstall "
    "poe-coins)\n"
)
ESTIMATE, PLAN = (
    f"repro: the {what} at paper fails (KeyError: 'heads', in {where}): "
    "fix it; no trial has to be run again\n"
    for what, where in (
        ("estimate of coin-toss", "coins.py, line 25"),
        ("plan of sound-toss", "sound.py, line 21"),
    )
)


def test_what_is_broken_is_one_sentence_and_stops_nothing_else(ran: Path) -> None:
    """A package that cannot be imported, an estimate that raises, and a plan that raises on its records."""
    break_estimate(ran / "site")
    break_plan(ran / "site")
    installed(ran / "site", "poe-coins", {"none.py": "import nothing_of_that_name\n"}, "none")
    said = {}
    for words, sentences in (
        (("list", "--json"), PACKAGE + ESTIMATE + PLAN),
        (("status", "--json"), PACKAGE + ESTIMATE + PLAN),
        (("report", "--format", "html,md,json"), PACKAGE + ESTIMATE + PLAN),
        (("explain", "coin-toss"), PACKAGE + ESTIMATE),
        (("run", "coin-toss", "--protocol", "paper"), PACKAGE + ESTIMATE),
    ):
        done = call(ran, *words)
        assert (done.returncode, PROGRESS.sub("", done.stderr)) == (0, sentences), words
        said[words[0]] = done.stdout
    found = {row["claim"]: row for row in json.loads(said["list"])}
    assert len(found) > 20
    assert found["coin-toss"]["verdict"] == "invalid"
    assert "KeyError: 'heads'" in found["coin-toss"]["why"]
    assert found["sound-toss"]["runs"] == []
    assert "KeyError: 'heads'" in found["sound-toss"]["why"]
    assert "smoke protocol" not in found["sound-toss"]["why"]
    assert [row["of paper"] for row in json.loads(said["status"])] == ["Doe 1999"]
    report = ran / "results" / "report"
    results = {one["claim"]: one for one in json.loads((report / "results.json").read_text())["results"]}
    assert (results["coin-toss"]["outcome"], results["coin-toss"]["effects"]) == ("invalid", [])
    assert set(results) == {name for name in found if name}
    for page in ("report.html", "report.md"):
        assert "the estimate of coin-toss at paper fails" in (report / page).read_text()
    done = call(ran, "run", "sound-toss", "--protocol", "paper")
    assert (done.returncode, PROGRESS.sub("", done.stderr)) == (2, PLAN + PACKAGE)


def test_no_look_is_taken_with_an_estimate_that_raises(ran: Path) -> None:
    """A look is taken only once, and would say forever that it was invalid."""
    break_estimate(ran / "site")
    done = call(ran, "run", "coin-toss", "--protocol", "paper", "--until-decided")
    assert done.returncode == 2
    assert "repro: the estimate of coin-toss at paper fails (KeyError: 'heads'" in done.stderr
    assert not list((ran / "results" / "looks").rglob("*.json"))


def test_a_broken_packages_claim_is_named_when_it_is_asked_for(folder: Path) -> None:
    installed(folder / "site", "doe-coins", {"coins.py": "import nothing_of_that_name\n"})
    done = call(folder, "run", "coin-toss")
    assert done.returncode == 2
    assert "unknown claim 'coin-toss'" in done.stderr
    assert [name for name, _ in SENTENCE.findall(done.stderr)] == ["doe-coins"]


def test_a_new_reproduction_of_a_packages_claim_lies_beside_its_paper(folder: Path) -> None:
    site = installed(folder / "site", "doe-coins", coins())
    about = site / "doe_coins-0.1.dist-info" / "entry_points.txt"
    about.write_text("[alexnet_repro.papers]\none = coins:PAPER\n")
    path = os.pathsep.join([str(ROOT), str(site)])
    done = subprocess.run(
        [sys.executable, "-m", "repro", "new", "heads-up", "--claim", "coin-toss"],
        cwd=folder, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith(f"{site / 'heads_up.py'}: ")
    assert 'name "heads_up:REPRODUCTION" among the entry points alexnet_repro.reproductions' in done.stdout
    about.write_text(about.read_text() + "[alexnet_repro.reproductions]\none = heads_up:REPRODUCTION\n")
    row = next(row for row in listed(folder) if row["claim"] == "coin-toss")
    assert row["runs"][0]["command"].startswith("./repro.py run heads-up")


def test_no_package_moves_a_key_of_ours(folder: Path) -> None:
    installed(folder / "site", "doe-coins", coins())
    words = ("run", "relu-speedup", "--protocol", "smoke", "--dry-run", "--json", "--device", "cpu")
    shown = [
        re.findall(r'"key": "([0-9a-f]{24})"', call(folder, *words, site=s).stdout) for s in (False, True)
    ]
    assert shown[0] == shown[1]
    assert shown[0]
