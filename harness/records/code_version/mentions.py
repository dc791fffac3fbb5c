"""What a piece of code mentions: names with their attributes, attributes of anything, imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from harness.records.code_version.normal_form import chain

ANY = "*"  # every attribute
BY_NAME = {"getattr", "setattr", "hasattr", "delattr"}
NAMING = {"attrgetter", "methodcaller"}
IMPORTERS = {"import_module", "__import__"}
COMPOSED = ast.JoinedStr | ast.BinOp | ast.Call


@dataclass(frozen=True)
class Origin:
    """What an import binds a name to: a module, or a chain of names within it."""

    module: str
    names: tuple[str, ...] = ()


@dataclass
class Mentions:
    """The mentions of one definition. They include a function's local variables, so may be too many."""

    chains: set[tuple[str, ...]] = field(default_factory=set)  # such as ("torch", "nn", "Module")
    attributes: set[str] = field(default_factory=set)  # by a dot or by a string
    origins: dict[str, list[Origin]] = field(default_factory=dict)  # of the names it imports
    loaded: set[str] = field(default_factory=set)  # modules it imports
    values: set[str] = field(default_factory=set)  # modules a function imports: anything in them may be used


def mentions(nodes: Iterable[ast.AST], package: str) -> Mentions:
    """The mentions of nodes of a module in `package`."""
    reader = _Reader(package)
    for node in nodes:
        reader.visit(node)
    return reader.found


class _Reader(ast.NodeVisitor):
    def __init__(self, package: str) -> None:
        self.package, self.found = package, Mentions()

    def visit_Name(self, node: ast.Name) -> None:
        self.found.chains.add((node.id,))

    def visit_Global(self, node: ast.Global) -> None:
        self.found.chains |= {(name,) for name in node.names}

    def visit_Attribute(self, node: ast.Attribute) -> None:
        names = chain(node)
        self.found.attributes.update(names[1:])
        if names[0]:
            self.found.chains.add(names)
        else:
            self.generic_visit(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> None:
        self.found.attributes.update(node.kwd_attrs)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        words = node.value.split(".") if isinstance(node.value, str) else []
        self.found.attributes.update(words if all(map(str.isidentifier, words)) else ())

    def visit_Call(self, node: ast.Call) -> None:
        called = chain(node.func)[-1]
        named = node.args if called in NAMING else node.args[1:2] if called in BY_NAME else []
        if any(isinstance(name, COMPOSED) for name in named):
            self.found.attributes.add(ANY)
        if called in IMPORTERS and node.args and isinstance(node.args[0], ast.Constant):
            self.found.values.add(str(node.args[0].value))
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self._import(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._import(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, origin in origins(node, self.package):
            self.found.origins.setdefault(name, []).append(origin)
        self.found.loaded.update(loaded(node, self.package))


def origins(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Origin]]:
    """The names that an import in `package` binds."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, Origin(_base(node, package), (alias.name,))
        elif alias.asname:
            yield alias.asname, Origin(alias.name)
        else:
            first = alias.name.partition(".")[0]
            yield first, Origin(first)


def loaded(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    """Names of everything an import runs that may be a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    else:
        base = _base(node, package)
        yield from (base, *(f"{base}.{alias.name}" for alias in node.names))


def _base(node: ast.ImportFrom, package: str) -> str:
    """The module that names are imported from; one dot means the package itself."""
    parts = package.split(".")
    above = parts[: max(0, len(parts) + 1 - node.level)] if node.level else []
    return ".".join([*above, *filter(None, [node.module])])
