"""Syntax without what cannot change a number: docstrings, annotations, error texts, log lines, positions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Fields that differ between Python versions, or only say where a node is used, are ignored.
IGNORED_FIELDS = {"ctx", "kind", "type_comment", "type_ignores", "type_params", "simple"}
# Decorators, by their last name, that neither register what they decorate nor read its annotations.
OF_CLASSES = {"dataclass", "final", "runtime_checkable", "total_ordering", "unique"}
OF_METHODS = {"abstractmethod", "classmethod", "override", "property", "setter", "staticmethod"}
OF_FUNCTIONS = {"cache", "cached_property", "contextmanager", "lru_cache", "overload", "wraps"}
OF_TORCH = {"enable_grad", "inference_mode", "no_grad", "once_differentiable"}
INERT = OF_CLASSES | OF_METHODS | OF_FUNCTIONS | OF_TORCH
LOGGERS = {"log", "logger", "logging"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
MARKED = re.compile(r"\b(ClassVar|InitVar|KW_ONLY)\b")  # annotations that change what `dataclass` makes


def parsed(source: str) -> list[ast.stmt]:
    """The module's statements in normal form."""
    tree = _Normal().visit(ast.parse(source))
    assert isinstance(tree, ast.Module)
    return tree.body


def text(node: object) -> str:
    """A node in normal form, or a list of them, as text that is the same in every Python version."""
    if isinstance(node, list):
        return f"[{','.join(map(text, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = (
        f"{name}={text(value)}"
        for name, value in ast.iter_fields(node)
        if name not in IGNORED_FIELDS and value is not None and value != []
    )
    return f"{type(node).__name__}({','.join(fields)})"


def chain(node: ast.AST | None) -> tuple[str, ...]:
    """The names in `a.b.c`; the first is "" if `a` is not a name, so that `f().b.c` gives "", "b", "c"."""
    if isinstance(node, ast.Attribute):
        return *chain(node.value), node.attr
    return (node.id,) if isinstance(node, ast.Name) else ("",)


def acts(node: FunctionNode | ast.ClassDef) -> bool:
    """Whether a decorator may do more than wrap the definition: register it, or read its annotations."""
    names = (chain(d.func if isinstance(d, ast.Call) else d)[-1] for d in node.decorator_list)
    return not INERT.issuperset(names)


class _Normal(ast.NodeTransformer):
    """Removes, in place, what does not count."""

    def __init__(self) -> None:
        self.scope: FunctionNode | ast.ClassDef | None = None

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._within(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: FunctionNode) -> ast.AST:
        if not acts(node):
            node.returns = None
            for argument in arguments(node.args):
                argument.annotation = None
        return self._within(node)

    def _within(self, node: FunctionNode | ast.ClassDef) -> ast.AST:
        outer, self.scope = self.scope, node
        self.generic_visit(node)
        self.scope = outer
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        self.generic_visit(node)
        if not isinstance(self.scope, ast.ClassDef):
            return ast.Assign([node.target], node.value) if node.value else None
        if not acts(self.scope):
            node.annotation = ast.Name(",".join(MARKED.findall(ast.unparse(node.annotation))))
        return node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        return node.orelse if chain(node.test)[-1] == "TYPE_CHECKING" else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        idle = isinstance(node.value, ast.Constant) or _is_log(node.value)
        return None if idle else self.generic_visit(node)

    def visit_Pass(self, node: ast.Pass) -> None:
        return None

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        node.cause = None
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.msg = None
        return self.generic_visit(node)


def arguments(args: ast.arguments) -> Iterator[ast.arg]:
    """Every argument of a function."""
    yield from [*args.posonlyargs, *args.args, *args.kwonlyargs]
    yield from (a for a in (args.vararg, args.kwarg) if a)


def _is_log(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = chain(node.func)
    return called == ("warnings", "warn") or (
        len(called) == 2 and called[0] in LOGGERS and called[1] in LEVELS
    )
