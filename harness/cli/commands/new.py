"""`repro.py new`: a file of `reproductions/` to start from, which already satisfies their contract."""

from __future__ import annotations

import importlib.util
import keyword
import re
import textwrap
from pathlib import Path
from string import Template

import reproductions
from harness.contract import plugins
from harness.contract.errors import BadValue
from harness.paper import papers
from harness.paper.claims import Claim, Metric

TEMPLATE = Path(__file__).with_name("templates") / "reproduction.py.txt"
NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
LONGEST = 100  # letters of a name
WIDTH = 110
PAIR = 'changed, paper = paired(evidence, ("changed", "paper"), metric("ten_top1"))'
EACH = 'changed, paper = (paired(evidence, (a,), metric("ten_top1"))[0] for a in ("changed", "paper"))'
ALONE = '(paper,) = paired(evidence, ("paper",), metric("ten_top1"))'


def new(name: str, claim_id: str | None = None, folder: Path | None = None) -> Path:
    """Writes the file and returns its path; the claim defaults to the one of that name.

    It goes beside the others or, for a claim of another package, beside the module that declares the paper.
    """
    module, claim = _module(name), papers.claim(claim_id or name)
    path = (folder or _folder(claim)) / f"{module}.py"
    if path.exists():
        raise BadValue(f"{path} already exists: choose another name, or edit that file")
    hyphened = name.replace("_", "-")
    _check_free(claim, hyphened)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text(hyphened, claim))
    except OSError as error:
        raise BadValue(f"{path} cannot be written: {error.strerror}; make its folder writable") from error
    return path


def to_do(path: Path, claim_id: str) -> str:
    """What is left to do by hand; for a package's claim, also the entry point of its reproduction."""
    held = papers.of(papers.claim(claim_id))
    if held.package == plugins.OWN:
        return "CONTRIBUTING.md says what to fill in"
    module = ".".join(filter(None, [held.module.rpartition(".")[0], path.stem]))
    return (
        f'CONTRIBUTING.md says what to fill in; then name "{module}:REPRODUCTION" among the entry points '
        f"{plugins.REPRODUCTIONS} of {held.package}, and install it again"
    )


def _folder(claim: Claim) -> Path:
    held = papers.of(claim)
    if held.package == plugins.OWN:
        return Path(reproductions.__path__[0])
    found = importlib.util.find_spec(held.module)
    assert found is not None  # it is loaded already
    assert found.origin is not None
    return Path(found.origin).parent


def _module(name: str) -> str:
    """The module name of the reproduction; BadValue if Python could not import it."""
    module = name.replace("-", "_")
    if not NAME.fullmatch(name) or len(name) > LONGEST or keyword.iskeyword(module):
        raise BadValue(
            f"'{name[: LONGEST + 10]}' cannot name a reproduction: use lower-case letters, digits and single "
            f"hyphens, a letter first, as lrn-cifar, at most {LONGEST}, and no keyword of Python"
        )
    return module


def _check_free(claim: Claim, name: str) -> None:
    """BadValue if a reproduction already answers the claim or has the name."""
    for other in reproductions.every():
        if claim.id in other.claims:
            raise BadValue(
                f"claim '{claim.id}' is already answered by the reproduction {other.name}: edit that one"
            )
        if name in (other.name, *other.claims):
            raise BadValue(f"'{name}' already names the reproduction {other.name}: choose another name")


def text(name: str, claim: Claim) -> str:
    """The file's text."""
    units = {metric.unit for metric in claim.metrics}
    values = PAIR if "×" in units else EACH if "points" in units else ALONE
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        name=name,
        claim=claim.id,
        section=sections(claim),
        statement=textwrap.fill(f"The paper: {claim.statement} ({claim.figure}).", WIDTH),
        values=values,
        effects=_tuple([_effect(metric) for metric in claim.metrics]),
    )


ESTIMATES = {"points": "pooled_difference", "×": "paired_ratio"}  # by unit; any other unit describes one arm


def _effect(metric: Metric) -> str:
    how, arms = (ESTIMATES[metric.unit], "changed, paper") if metric.unit in ESTIMATES else ("level", "paper")
    return f'intervals.{how}("{metric.name}", "{metric.unit}", {arms})'


def _tuple(items: list[str]) -> str:
    """The items as a tuple, one per line if there are several."""
    lines = "".join(f"\n        {item}," for item in items)
    return f"({lines}\n    )" if len(items) > 1 else f"({items[0]},)"


def sections(claim: Claim) -> str:
    """The claim's places in the paper in the style of docstrings: `abstract, §7`."""
    places = claim.section.split(", ")
    return ", ".join(f"§{place}" if place[0].isdigit() else place for place in places)
