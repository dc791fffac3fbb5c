"""The version of the code that can change a trial's result: a hash of the definitions that it can reach.

A definition is a function, a method, a class without its methods, a constant or an import, in normal form:
comments, docstrings, annotations, error texts and log lines do not count. What is unreachable does not count
either, so a new class or a table for another purpose makes no record stale. Reachable are

- every name that a reachable definition mentions, through imports, in the modules that count (`COUNTED`);
- the bases, decorators, body and special methods of a class, and every other method whose name is used as an
  attribute of anything, anywhere in reachable code. If a class has a base from elsewhere, such as
  `nn.Module`, that library may call any of its methods, so all of them are reachable;
- what modules do when they are imported: statements that bind no name, and definitions that register
  themselves by a decorator or a base.

So more may be reachable than runs, but nothing runs that is not reachable, as far as names can be read. Names
composed at run time cannot be read: a program found by `importlib` is an entry of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from harness.contract import plugins
from harness.records.code_version.links import acting, digest, entered, found_in, links
from harness.records.code_version.mentions import ANY
from harness.records.code_version.normal_form import FUNCTIONS
from harness.records.code_version.source_tree import TOP, Module, SourceTree

CHECKOUT = SourceTree(Path(__file__).resolve().parents[3], plugins.packages())
ORDER = "<order>"


@cache
def version_of(
    entries: frozenset[str], tree: SourceTree = CHECKOUT, without: frozenset[str] = frozenset()
) -> str:
    """Hash of everything the entries reach; an entry is "module:function" or "module:Class"."""
    found = sorted(reached(entries, tree, without).items())
    return digest("\n".join(f"{name} {what}" for name, what in found))


def reached(
    entries: Iterable[str], tree: SourceTree = CHECKOUT, without: frozenset[str] = frozenset()
) -> dict[str, str]:
    """The digest of every reachable definition, by id; LookupError for an entry that does not exist.

    Modules that the trial is known to run `without` are skipped.
    """
    found: set[str] = set()
    attributes: set[str] = set()
    waiting: dict[str, set[str]] = {}  # methods, by the name that would reach them
    todo = [name for entry in entries for name in entered(tree, entry)]
    while todo:
        name = todo.pop()
        if name not in found and name.partition(":")[0] not in without:
            found.add(name)
            here = links(tree, name)
            attributes |= here.attributes
            for method in here.methods:
                waiting.setdefault(method.rpartition(".")[2], set()).add(method)
            named = set(waiting) if ANY in attributes else waiting.keys() & attributes
            todo += [*here.reached, *(method for word in named for method in waiting.pop(word))]
    digests = {name: links(tree, name).digest for name in found} | _orders(tree, found)
    return {name: what for name, what in digests.items() if what}


def _orders(tree: SourceTree, found: set[str]) -> dict[str, str]:
    """The order of what modules do on import, if another order might give other values."""
    modules = {name.partition(":")[0] for name in found}
    there = filter(None, (found_in(tree, module)[0] for module in modules))
    return {f"{here.name}:{ORDER}": _order(tree, here, found) for here in there}


def _order(tree: SourceTree, here: Module, found: set[str]) -> str:
    own = {*acting(tree, here)}
    run = [
        (name, node)
        for name, node in here.sequence
        if f"{here.name}:{name}" in found
        and (name in own or not isinstance(node, (*FUNCTIONS, ast.ClassDef)))
    ]
    names = [name for name, _ in run]
    calls = any(isinstance(part, ast.Call) for _, node in run for part in ast.walk(node))
    matters = TOP in names or len(set(names)) < len(names) or calls
    return digest(" ".join(names)) if matters and len(names) > 1 else ""
