"""Whether what is judged of a claim was declared before its final runs: the catalogue then, and today's."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache

from harness.records import provenance
from harness.records.code_version.normal_form import parsed, text
from harness.reporting.claims.sections import Section

CATALOGUE = "harness/paper/catalogue.py"  # where claims, bands and what is judged are declared
BANDS = "harness/paper/bands.py"
# What a declaration says in words for readers; all else decides what is judged, and how.
WORDS = {
    "section",
    "statement",
    "title",
    "figure",
    "log_2012",
    "discussion",
    "needs",
    "conditions",
    "amended",
}


def since(section: Section) -> str:
    """A sentence on what has changed since a result was known; empty if this clone cannot tell."""
    if section.claim.amended:
        return section.claim.amended
    finals = (
        [run.record for run in section.evidence.final()] if section.evidence and not section.smoke else []
    )
    first = min(finals, key=lambda record: record.started, default=None)
    commit = first and str(first.environment.get("commit") or "")
    if first is None or not commit or first.environment.get("dirty") is not False:
        return ""
    then, now = (_judged(at, section.claim.id) for at in (commit, "HEAD"))
    if not (then and now):
        return ""
    run = f"commit {commit}, whose code made the first final run on {first.started[:10]}"
    if then == now:
        return f"What is judged is as it was in {run}."
    return f"Changed since {run}: git diff {commit} -- {CATALOGUE} {BANDS}"


@cache
def _judged(commit: str, claim: str) -> str:
    """What decides the claim's verdict in its declaration at a commit, with its bands' rules; else empty."""
    catalogue, bands = (provenance.text_at(commit, path) for path in (CATALOGUE, BANDS))
    if catalogue is None or bands is None:
        return ""
    found = [part for node in _claims(catalogue) if _id(node) == claim for part in _decisive(node)]
    declared = [*found, *_constants(catalogue, found)]
    return "\n".join(map(text, (declared, _rules(bands, declared)))) if found else ""


_module = cache(ast.parse)  # every claim asks for the same few texts, and nothing changes their nodes


@cache
def _claims(catalogue: str) -> list[ast.Call]:
    nodes = ast.walk(_module(catalogue))
    return [n for n in nodes if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Claim"]


def _constants(catalogue: str, parts: Iterable[ast.AST]) -> list[ast.Assign]:
    """The catalogue's constants that the parts name, such as a table's errors, and those that these name."""
    named = {name for part in parts for name in _names(part)}
    found = []
    for statement in reversed(_module(catalogue).body):  # each names only earlier ones
        if isinstance(statement, ast.Assign) and named & set(map(ast.unparse, statement.targets)):
            named |= _names(statement.value)
            found.append(statement)
    return found


def _rules(bands: str, parts: Iterable[ast.AST]) -> list[ast.stmt]:
    """The functions of bands that the parts name, and those that these name, in normal form."""
    named = {name for part in parts for name in _names(part)}
    known = {node.name: node for node in parsed(bands) if isinstance(node, ast.FunctionDef)}
    found: dict[str, ast.stmt] = {}
    while todo := [name for name in known if name in named and name not in found]:
        found |= {name: known[name] for name in todo}
        named |= {below for name in todo for below in _names(known[name])}
    return [known[name] for name in known if name in found]


def _names(node: ast.AST) -> set[str]:
    return {below.id for below in ast.walk(node) if isinstance(below, ast.Name)}


def _id(node: ast.Call) -> object:
    values = (k.value for k in node.keywords if k.arg == "id")
    return next((value.value for value in values if isinstance(value, ast.Constant)), None)


def _decisive(node: ast.Call) -> list[ast.AST]:
    """The arguments that decide a verdict; of several metrics, those with a band and the first."""
    kept: list[ast.AST] = []
    for keyword in node.keywords:
        value = keyword.value
        if keyword.arg == "metrics" and isinstance(value, ast.Tuple):
            kept += [m for at, m in enumerate(value.elts) if not at or len(getattr(m, "args", ())) > 2]
        elif keyword.arg not in WORDS:
            kept.append(keyword)
    return kept
