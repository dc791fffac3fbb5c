"""The meaning of code: a hash that changes with what a module does, not with how it is written down.

Comments, docstrings, blank lines and positions do not count. A module counts with every module of
`harness.models`, `data`, `training`, `analysis` and `harness.contract.streams` that it
imports, directly or not, because only those can change a trial's numbers. Nothing is imported to find this
out, so it needs no torch.
"""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COUNTED = (
    "harness.models",
    "harness.data",
    "harness.training",
    "harness.analysis",
    "harness.contract.streams",
)
# Fields that differ between Python versions, or only say where a node is used, carry no meaning.
IGNORED_FIELDS = {"ctx", "kind", "type_comment", "type_ignores", "type_params"}


@cache
def meaning_of(modules: frozenset[str]) -> str:
    """Hash over the modules and all counted modules that they import."""
    parts = [f"{name} {module_meaning(name)}" for name in sorted(closure(modules))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def closure(modules: frozenset[str]) -> set[str]:
    """The modules and every counted module reachable from them by import statements."""
    found: set[str] = set()
    todo = set(modules)
    while todo:
        name = todo.pop()
        found.add(name)
        todo |= _imports(name) - found
    return found


@cache
def module_meaning(name: str) -> str:
    """Hash of one module's syntax tree without docstrings."""
    return hashlib.sha256(source_meaning(_source(name)).encode()).hexdigest()


def source_meaning(source: str) -> str:
    """The syntax tree of `source` as text, without docstrings, positions and empty fields."""
    return _dump(ast.parse(source))


def _dump(node: object) -> str:
    if isinstance(node, list):
        return f"[{','.join(map(_dump, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = []
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(
            node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        ):
            value = _without_docstring(value)
        if name not in IGNORED_FIELDS and value is not None and value != []:
            fields.append(f"{name}={_dump(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        return body[1:]
    return body


@cache
def _imports(name: str) -> frozenset[str]:
    """Counted modules that `name` imports anywhere in its source."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(_source(name))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(m for m in found if m.startswith(COUNTED) and _path(m) is not None)


def _path(name: str) -> Path | None:
    path = ROOT.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _source(name: str) -> str:
    path = _path(name)
    if path is None:
        raise ModuleNotFoundError(f"no module {name} below {ROOT}")
    return path.read_text(encoding="utf-8")
