"""The meaning of a verdict is written in one place, and the README says the same."""

from __future__ import annotations

import re
from pathlib import Path

from harness.verdicts.verdict import MEANINGS, Outcome, Qualifier, Verdict

README = Path(__file__).resolve().parents[2] / "README.md"


def test_every_outcome_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Outcome)


def test_the_readme_explains_verdicts_in_the_same_words() -> None:
    chapter = README.read_text(encoding="utf-8").split("## How to read a verdict")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| ([\w ]+?) \| (.+?) \|$", chapter, flags=re.MULTILINE))
    assert {name: rows[name] for name in rows if name != "verdict"} == {
        str(o): m for o, m in MEANINGS.items()
    }


def test_advice_comes_after_the_reasons() -> None:
    verdict = Verdict(
        "lrn", "cifar10", Outcome.INCONCLUSIVE, ("reason",), Qualifier.PROXY, advice=("advice",)
    )
    assert verdict.sentences == ("reason", "advice")
    assert verdict.headline == "inconclusive (proxy)"
