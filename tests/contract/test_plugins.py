"""Packages beside this one: what they bring is treated as ours is, and a broken one stops nothing else."""

from __future__ import annotations

import json
import os
import re
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
    """The command line as it is where the packages of the folder are installed, with few processes."""
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


def test_a_packages_claim_is_listed_run_explained_and_reported_as_its_papers(folder: Path) -> None:
    installed(folder / "site", "doe-coins", coins())
    assert {"coin-toss"} == {row["claim"] for row in listed(folder) if row["of paper"] == "Doe 1999"}
    run = call(folder, "run", "coin-toss", "--protocol", "paper")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "coin-toss at paper (Doe 1999): 6 of 6 trials" in run.stdout
    assert "Doe 1999, § 4" in call(folder, "explain", "coin-toss").stdout
    assert [row["of paper"] for row in json.loads(call(folder, "status", "--json").stdout)] == ["Doe 1999"]
    assert call(folder, "report", "--format", "html,md,json").returncode == 0
    report = folder / "results" / "report"
    found = {one["claim"]: one for one in json.loads((report / "results.json").read_text())["results"]}
    assert found["coin-toss"]["of_paper"] == "Doe 1999"
    assert found["lrn"]["of_paper"] == "Krizhevsky et al. 2012"
    assert found["coin-toss"]["effects"][0]["estimate"] == -10.0  # 10 times two sides less 10 times three
    for page in ("report.html", "report.md"):
        assert "Doe 1999" in (report / page).read_text()
    assert "Those of Doe 1999 are declared by the package doe-coins." in (report / "report.md").read_text()


def test_its_records_name_it_and_are_stale_once_its_code_computes_something_else(folder: Path) -> None:
    installed(folder / "site", "doe-coins", coins())
    call(folder, "run", "coin-toss", "--protocol", "smoke")
    records = [json.loads(path.read_text()) for path in (folder / "results" / "records").iterdir()]
    assert [record["environment"]["plugins"] for record in records] == ["doe-coins 0.1"] * 4
    assert [row["standing"] for row in status(folder)] == ["fresh"] * 4
    program = folder / "site" / "coins_program.py"
    text = program.read_text()
    program.write_text(text.replace("return 7", "return 8") + "\n# a comment\n")
    assert [row["standing"] for row in status(folder)] == ["fresh"] * 4
    program.write_text(text.replace("10.0 * sides", "11.0 * sides"))
    found = status(folder)
    assert [row["standing"] for row in found] == ["stale"] * 4
    assert all("the code that can change it is version" in row["why"] for row in found)


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
        "Krizhevsky et al. 2012 has a claim 'lrn' already: give this one another id",
    ),
    "a plan that fails": (
        {name: text.replace("Tossing(sides)", "Tossing()") for name, text in coins().items()},
        "missing 1 required positional argument: 'sides'; fix it",
    ),
    "no smoke protocol": (
        {name: text.replace('"smoke"', '"smoky"') for name, text in coins().items()},
        "unknown protocol of coin-toss 'smoke' (nearest: smoky)",
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


OF_ROE = {name: text.replace("Doe 1999", "Roe 2001") for name, text in coins("sound", "sound-toss").items()}


def loaded(folder: Path) -> tuple[dict[str, str], list[str]]:
    """The claims that reproductions answer, each with its paper, and the troubles, in a fresh process."""
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
    assert "Doe 1999 has a claim 'coin-toss' already" in trouble


def test_list_and_report_go_on_without_a_broken_package(folder: Path) -> None:
    installed(folder / "site", "doe-coins", {"coins.py": "import nothing_of_that_name\n"})
    for words in (("list", "--json"), ("report", "--format", "json")):
        done = call(folder, *words)
        assert done.returncode == 0
        assert [name for name, _ in SENTENCE.findall(done.stderr)] == ["doe-coins"]


def test_an_estimate_that_raises_is_one_sentence_and_stops_nothing_else(folder: Path) -> None:
    installed(folder / "site", "doe-coins", coins())
    assert call(folder, "run", "coin-toss", "--protocol", "paper").returncode == 0
    module = folder / "site" / "coins.py"
    module.write_text(module.read_text().replace("    values = ", "    {}['heads']\n    values = "))
    said = (
        "repro: the estimate of coin-toss at paper fails (KeyError: 'heads', in coins.py, line 25): "
        "fix it; no record has to be made anew\n"
    )
    report = folder / "results" / "report"
    for words in (
        ("list", "--json"),
        ("status", "--json"),
        ("report", "--format", "html,md,json"),
        ("explain", "coin-toss"),
        ("run", "coin-toss", "--protocol", "paper"),
    ):
        done = call(folder, *words)
        sentences = re.findall(r"^repro: .*\n", done.stderr, re.MULTILINE)
        assert (done.returncode, sentences) == (0, [said] * (words[0] != "run")), words
    found = {row["claim"]: row for row in listed(folder)}
    assert found["coin-toss"]["verdict"] == "invalid"
    assert "KeyError: 'heads'" in found["coin-toss"]["why"]
    assert len(found) > 20
    results = {one["claim"]: one for one in json.loads((report / "results.json").read_text())["results"]}
    assert (results["coin-toss"]["outcome"], results["coin-toss"]["effects"]) == ("invalid", [])
    assert set(results) == {name for name in found if name}
    for page in ("report.html", "report.md"):
        assert "the estimate of coin-toss at paper fails" in (report / page).read_text()


def test_a_plan_that_raises_on_its_records_is_one_sentence_and_stops_nothing_else(folder: Path) -> None:
    installed(folder / "site", "doe-coins", coins())
    assert call(folder, "run", "coin-toss", "--protocol", "smoke").returncode == 0
    module = folder / "site" / "coins.py"
    made = (
        "    trials = [protocol.trial(Tossing(2), 0)]\n    lookup(trials[0]) and {}['heads']\n    trials = ("
    )
    module.write_text(module.read_text().replace("    trials = (", made))
    said = re.compile(
        r"repro: the plan of coin-toss at \w+ fails \(KeyError: 'heads', in coins.py, line 21\): fix it"
    )
    for words in (("list", "--json"), ("status",), ("report", "--format", "html,md,json")):
        done = call(folder, *words)
        assert (done.returncode, len(said.findall(done.stderr)), done.stderr.count("\n")) == (0, 1, 1), words
    (row,) = (row for row in listed(folder) if row["claim"] == "coin-toss")
    assert (row["runs"], "KeyError: 'heads'" in row["why"], "smoke protocol" in row["why"]) == (
        [],
        True,
        False,
    )
    done = call(folder, "run", "coin-toss", "--protocol", "smoke")
    assert (done.returncode, len(said.findall(done.stderr)), "Traceback" in done.stderr) == (2, 1, False)


def test_no_look_is_taken_with_an_estimate_that_raises(folder: Path) -> None:
    """A look is taken once, and would say for ever that it was invalid."""
    broken = {n: t.replace("    values = ", "    {}['heads']\n    values = ") for n, t in coins().items()}
    installed(folder / "site", "doe-coins", broken)
    done = call(folder, "run", "coin-toss", "--protocol", "paper", "--until-decided")
    assert done.returncode == 2
    assert "repro: the estimate of coin-toss at paper fails (KeyError: 'heads'" in done.stderr
    assert not list((folder / "results" / "looks").rglob("*.json"))


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
    words = ("run", "relu-speedup", "--protocol", "smoke", "--dry-run", "--device", "cpu")
    shown = [re.findall(r"^[0-9a-f]{16}", call(folder, *words, site=s).stdout, re.MULTILINE) for s in (0, 1)]
    assert shown[0] == shown[1]
    assert shown[0]
