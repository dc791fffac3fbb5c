"""Where a definition leads: the names it mentions, followed through imports in the modules that count."""

from __future__ import annotations

import ast
import builtins
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from harness.records.code_version.mentions import Mentions, Origin
from harness.records.code_version.normal_form import FUNCTIONS, acts, chain
from harness.records.code_version.source_tree import TOP, Module, SourceTree

COUNTED = (
    "harness.models",
    "harness.data",
    "harness.training",
    "harness.analysis",
    "harness.contract.streams",
    "harness.contract.numerics",
)
ALL = "*"  # in place of a name: every definition of a module
# Bases that call only special methods of a class; built-in exceptions are further ones.
HARMLESS = {"object", "Protocol", "Generic", "ABC", "Enum", "StrEnum", "IntEnum", "NamedTuple"}
# Methods that libraries call on objects of any class.
OF_FILES = {"read", "readinto", "readline", "write", "seek", "tell", "flush", "close", "fileno"}
OF_STREAMS = {"readable", "writable", "seekable", "send", "throw", "acquire", "release"}
EXPECTED = OF_FILES | OF_STREAMS | {"keys", "values", "items", "get"}
DYNAMIC = {"globals", "eval", "exec"}  # may use any name of their module

Seen = set[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Links:
    """Where one definition leads; ids are "module:name", "module:Class.method" and "module:*"."""

    digest: str  # empty if there is nothing to hash
    reached: frozenset[str]
    attributes: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()  # those reached only by name


def counts(module: str, others: Iterable[str] = ()) -> bool:
    """Whether a module's code, in this project or in `others` (further packages), can change a result."""
    return any(_inside(module, package) for package in (*COUNTED, *others))


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def _leads(module: str, package: str) -> bool:
    """Whether names in the module may belong to the package."""
    return _inside(module, package) or _inside(package, module)


def digest(text: str) -> str:
    """Sixteen hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def found_in(tree: SourceTree, name: str) -> tuple[Module | None, str]:
    """The module of an id, if it exists and counts, and the name within it."""
    module, _, path = name.partition(":")
    return tree.module(module) if counts(module, tree.others) else None, path


def entered(tree: SourceTree, name: str) -> Iterator[str]:
    """The definition of that id and, if it is an import, what it stands for; LookupError if there is none."""
    here, path = found_in(tree, name)
    of, _, method = path.partition(".")
    if here is None or of not in here or (method and method not in here.methods(of)):
        raise LookupError(f"'{name}' is not a definition in a module that counts")
    yield name
    yield from _values(tree, {path: here.origins.get(path, ())})


@cache
def links(tree: SourceTree, name: str) -> Links:
    """The links of an existing definition."""
    here, path = found_in(tree, name)
    if path == ALL:
        return Links("", frozenset(_everything(tree, name.partition(":")[0])))
    assert here is not None
    text, mentions = here.definition(path)
    methods = {f"{name}.{method}" for method in here.methods(path)}
    always = {method for method in methods if _always(tree, method)}
    reached = {*always, *_mentioned(tree, here, mentions), *_around(tree, here, path, mentions)}
    reading = frozenset(mentions.attributes)
    return Links(text and digest(text), frozenset(reached), reading, frozenset(methods - always))


def _everything(tree: SourceTree, module: str) -> Iterator[str]:
    """All definitions of a module, or of all modules in a package, and everything they import."""
    for here in filter(None, (found_in(tree, name)[0] for name in tree.below(module))):
        yield from (f"{here.name}:{name}" for name in {TOP, *here.names, *here.origins})
        yield from _values(tree, here.origins)


def _values(tree: SourceTree, origins: Mapping[str, Sequence[Origin]]) -> Iterator[str]:
    for several in origins.values():
        for origin in several:
            yield from _followed(tree, origin.module, origin.names)


def _mentioned(tree: SourceTree, here: Module, mentions: Mentions) -> Iterator[str]:
    for names in mentions.chains:
        yield from _resolved(tree, here, names, mentions.origins)
    for module in mentions.values:
        yield from _followed(tree, module, ())
    if DYNAMIC & {first for first, *_ in mentions.chains}:
        yield f"{here.name}:{ALL}"


def _around(tree: SourceTree, here: Module, path: str, mentions: Mentions) -> Iterator[str]:
    """What comes with it: the class of a method, and what modules do on import."""
    yield from _imported(tree, [here.name, *mentions.loaded])
    if path == TOP:
        yield from _imported(tree, here.loaded)
        yield from (f"{here.name}:{name}" for name in acting(tree, here))
        yield from (
            f"{star.module}:{ALL}" for star in here.origins.get(TOP, ()) if counts(star.module, tree.others)
        )
    elif "." in path:
        yield f"{here.name}:{path.partition('.')[0]}"
    elif here.class_of(path):
        yield from _values(tree, mentions.origins)  # imports in its body are attributes


def _imported(tree: SourceTree, modules: Iterable[str]) -> Iterator[str]:
    """What the modules run on import, with the packages around them."""
    for module in modules:
        parts = module.split(".")
        names = (f"{'.'.join(parts[: end + 1])}:{TOP}" for end in range(len(parts)))
        yield from (name for name in names if found_in(tree, name)[0])


def _resolved(
    tree: SourceTree, here: Module, names: tuple[str, ...], own: Mapping[str, Sequence[Origin]]
) -> Iterator[str]:
    """The definitions that `a.b.c` may stand for, if some names have local origins."""
    for origin in own.get(names[0], ()):
        yield from _followed(tree, origin.module, (*origin.names, *names[1:]))
    yield from _member(tree, here, names, set())


def _member(tree: SourceTree, here: Module, names: tuple[str, ...], seen: Seen) -> Iterator[str]:
    if names[0] in here:
        yield f"{here.name}:{names[0]}"
    for origin in here.origins.get(names[0], ()):
        yield from _followed(tree, origin.module, (*origin.names, *names[1:]), seen)


def _followed(
    tree: SourceTree, module: str, names: tuple[str, ...], seen: Seen | None = None
) -> Iterator[str]:
    """Follows names from a module, one after another; a module used by itself counts in full."""
    seen = set() if seen is None else seen
    if (module, names) in seen or not any(_leads(module, package) for package in (*COUNTED, *tree.others)):
        return
    seen.add((module, names))
    here, _ = found_in(tree, module)
    inner = f"{module}.{names[0]}" if names else ""
    if inner and tree.exists(inner):
        yield from _followed(tree, inner, names[1:], seen)
    elif not names or (here and names[0] not in here):
        yield f"{module}:{ALL}"
    if here and names:
        yield from _member(tree, here, names, seen)


def _always(tree: SourceTree, method: str) -> bool:
    """Whether a class's method may be called without being named."""
    of, _, name = method.rpartition(".")
    here, path = found_in(tree, of)
    special = name.startswith("_") and name.endswith("_")
    decorated = here is not None and any(map(acts, here.methods(path)[name]))
    return special or name in EXPECTED or decorated or _foreign(tree, of)


@cache
def _foreign(tree: SourceTree, name: str) -> bool:
    """Whether code that does not count may call any method of a class."""
    here, path = found_in(tree, name)
    node = here.class_of(path) if here else None
    if here is None or node is None or acts(node):
        return True
    return any(base is None or _foreign(tree, base) for base in _bases(tree, here, node))


def _bases(tree: SourceTree, here: Module, node: ast.ClassDef) -> Iterator[str | None]:
    """Ids of a class's bases; None for one that does not count and is not harmless."""
    for base in node.bases:
        names = chain(base.value if isinstance(base, ast.Subscript) else base)
        ids = [i for i in _resolved(tree, here, names, {}) if i != f"{here.name}:{node.name}"]
        defined = [i for i in ids if not _only_imported(tree, i)]
        yield from defined
        known = getattr(builtins, names[-1], None)
        exception = isinstance(known, type) and issubclass(known, BaseException)
        if not defined and names[-1] not in HARMLESS and not exception:
            yield None


def _only_imported(tree: SourceTree, name: str) -> bool:
    here, path = found_in(tree, name)
    return here is not None and path not in here.names and path != ALL


def acting(tree: SourceTree, here: Module) -> list[str]:
    """Functions and classes that may register themselves, and so may be used without being named."""
    return [
        name
        for name, node in here.sequence
        if (isinstance(node, FUNCTIONS) and acts(node))
        or (isinstance(node, ast.ClassDef) and (acts(node) or _registers(tree, f"{here.name}:{name}")))
    ]


@cache
def _registers(tree: SourceTree, name: str) -> bool:
    """Whether a class or one of its bases may keep a list of subclasses."""
    here, path = found_in(tree, name)
    node = here.class_of(path) if here else None
    if here is None or node is None:
        return False
    own = bool(node.keywords) or "__init_subclass__" in here.methods(path)
    return own or any(base is not None and _registers(tree, base) for base in _bases(tree, here, node))
