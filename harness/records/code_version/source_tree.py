"""The source below a folder as definitions by name, found without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.records.code_version.mentions import Mentions, Origin, loaded, mentions, origins
from harness.records.code_version.normal_form import FUNCTIONS, FunctionNode, parsed, text

INNER = (*FUNCTIONS, ast.ClassDef, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
TOP = "<module>"  # the name of what a module does by itself on import


@dataclass
class Module:
    """A module's names, each with the statements that bind it and the origin of its import."""

    name: str
    package: str
    names: dict[str, list[ast.stmt]] = field(default_factory=dict)
    origins: dict[str, list[Origin]] = field(default_factory=dict)
    loaded: set[str] = field(default_factory=set)
    sequence: list[tuple[str, ast.stmt]] = field(default_factory=list)  # names in binding order

    def __contains__(self, name: str) -> bool:
        return name in self.names or name in self.origins

    def add(self, statement: ast.stmt) -> None:
        """Adds the next statement."""
        nodes = list(_outside_functions(statement))
        for node in nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                self.loaded.update(loaded(node, self.package))
                for name, origin in origins(node, self.package):
                    self.origins.setdefault(TOP if name == "*" else name, []).append(origin)
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            bound = list(filter(None, map(_bound, nodes)))
            for name in dict.fromkeys(bound if _only_binds(statement) else [TOP, *bound]):
                self.names.setdefault(name, []).append(statement)
                self.sequence.append((name, statement))

    def class_of(self, name: str) -> ast.ClassDef | None:
        """The class of that name, if a single class statement is all that binds it."""
        match self.names.get(name):
            case [ast.ClassDef() as only]:
                return only
        return None

    def methods(self, name: str) -> dict[str, list[FunctionNode]]:
        """The functions directly in the body of a class, by name."""
        found: dict[str, list[FunctionNode]] = {}
        node = self.class_of(name)
        for statement in node.body if node else ():
            if isinstance(statement, FUNCTIONS):
                found.setdefault(statement.name, []).append(statement)
        return found

    def definition(self, name: str) -> tuple[str, Mentions]:
        """Normal form and mentions of a name or `Class.method`; a class comes without its methods."""
        nodes = self._nodes(name)
        found = mentions(nodes, self.package)
        if "." in name or self.class_of(name):
            # In a class body, outside its methods, a name may be that of a method.
            outside = mentions((part for node in nodes for part in _outside(node)), self.package)
            found.attributes |= {first for first, *_ in outside.chains}
        imports = "".join(map(str, self.origins.get(name, ())))
        return (text(nodes) if nodes else "") + imports, found

    def _nodes(self, name: str) -> Sequence[ast.stmt]:
        of, _, method = name.partition(".")
        if method:
            return self.methods(of)[method]
        node = self.class_of(name)
        if node is None:
            return self.names.get(name, [])
        body = [statement for statement in node.body if not isinstance(statement, FUNCTIONS)]
        return [ast.ClassDef(node.name, node.bases, node.keywords, body, node.decorator_list)]


def _outside(node: ast.stmt) -> list[ast.AST]:
    """The parts evaluated where a function is defined, or any other statement as a whole."""
    return [*node.decorator_list, node.args] if isinstance(node, FUNCTIONS) else [node]


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """The node and its descendants, without the inside of functions, classes and comprehensions."""
    yield node
    if not isinstance(node, INNER):
        for child in ast.iter_child_nodes(node):
            yield from _outside_functions(child)


def _bound(node: ast.AST) -> str | None:
    """The name that a node binds by itself."""
    match node:
        case ast.Name(id=str(name), ctx=ast.Store()):
            return name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return name
    return None


def _only_binds(statement: ast.stmt) -> bool:
    """Whether a statement does nothing but bind names to values."""
    match statement:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return True
        case ast.Assign(targets=targets):
            return all(map(_named, targets))
        case ast.AugAssign(target=target):
            return _named(target)
    return False


def _named(target: ast.expr) -> bool:
    """Whether the target is one or several names; `_` is not one, since nobody reads it."""
    match target:
        case ast.Name(id=name):
            return name != "_"
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(map(_named, parts))
        case ast.Starred(value=part):
            return _named(part)
    return False


class SourceTree:
    """The modules below a folder and of packages elsewhere, each parsed once on first use."""

    def __init__(self, root: Path, others: Mapping[str, Path] | None = None) -> None:
        """`root` holds the top-level packages except `others`, which have their own folders."""
        self.root = root
        self.others = others or {}
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """The module or package; None if there is no such file."""
        if name not in self._modules:
            self._modules[name] = self._parsed(name)
        return self._modules[name]

    def exists(self, name: str) -> bool:
        """Whether there is such a module or folder."""
        return self._place(name).is_dir() or self._place(name).with_suffix(".py").is_file()

    def below(self, name: str) -> Iterator[str]:
        """The module itself, and all modules of a package."""
        yield name
        for file in sorted(self._place(name).rglob("*.py")):
            parts = file.relative_to(self._root(name)).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _root(self, name: str) -> Path:
        return self.others.get(name.partition(".")[0], self.root)

    def _place(self, name: str) -> Path:
        return self._root(name).joinpath(*name.split("."))

    def _parsed(self, name: str) -> Module | None:
        inside = self._place(name) / "__init__.py"
        file = inside if inside.is_file() else self._place(name).with_suffix(".py")
        if not file.is_file():
            return None
        module = Module(name, name if file == inside else name.rpartition(".")[0])
        for statement in parsed(file.read_text(encoding="utf-8")):
            module.add(statement)
        return module
