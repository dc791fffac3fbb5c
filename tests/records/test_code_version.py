"""A version changes with all that can change a result, and with nothing else, on packages made up for it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.records.code_version import CHECKOUT, counts, reached, version_of
from tests.fakes.source_code import FILES, FORMULA, NEAR, PACKAGE, PROGRAM, SHAPES, tree

ENTRIES = frozenset({"harness.training.program:run"})


def version(folder: Path, **edits: tuple[str, str, str]) -> str:
    files = dict(FILES)
    for name, old, new in edits.values():
        assert files[name].count(old) == 1, old
        files[name] = files[name].replace(old, new)
    return version_of(ENTRIES, tree(folder, files))


CHANGES = {
    "a formula two modules away": (FORMULA, "x * CONSTANT", "x / CONSTANT"),
    "a formula behind a relative import": (FORMULA, "(x) / OTHER", "(x) // OTHER"),
    "a formula behind a relative import of a module": (
        "harness/contract/streams.py",
        "return x",
        "return 2 * x",
    ),
    "a constant": (FORMULA, "OTHER = 3", "OTHER = 4"),
    "a second binding": (NEAR, "NEARBY += 1", "NEARBY += 2"),
    "a default": (PROGRAM, "times: int = 3", "times: int = 4"),
    "another argument": (PROGRAM, "times: int = 3", "times: int = 3, more=1"),
    "a decorator": (NEAR, "@decorated\n", ""),
    "what a decorator does": (NEAR, "function(x) + 1", "function(x) + 2"),
    "a class attribute": (PROGRAM, "scale: float = 2.0", "scale: float = 3.0"),
    "an inherited class attribute": (SHAPES, 'kind = "shape"', 'kind = "form"'),
    "a field": (PROGRAM, "    limit: int\n", ""),
    "a field that is none": (PROGRAM, "limit: int", "limit: ClassVar[int]"),
    "a base": (PROGRAM, "(harness.models.shapes.Shape)", "(harness.models.shapes.Shape, Unused)"),
    "a method of a base": (SHAPES, "return x * self.side", "return x + self.side"),
    "a property that is named": (SHAPES, "return 2", "return 4"),
    "a special method": (PROGRAM, "self.measured(x) * self.scale", "self.measured(x) + self.scale"),
    "a method named by a string": (PROGRAM, "return 4", "return 8"),
    "a method named in the class's body": (PROGRAM, "return 5", "return 10"),
    "a method that a library may call": (PROGRAM, "return 1\n", "return 2\n"),
    "a statement of a module": (FORMULA, '"SEED"] = "1"', '"SEED"] = "2"'),
    "what registers itself": (FORMULA, "x * 9", "x * 10"),
    "a function from elsewhere": (PROGRAM, "from math import sqrt as root", "from math import cbrt as root"),
    "a function out of a package": ("harness/data/inner.py", "x + 6", "x + 5"),
    "where a package has it from": (PACKAGE, "import exported\n", "import other as exported\n"),
    "an import in a function": ("harness/data/late.py", "x + 7", "x + 8"),
    "a binding in a block": ("harness/data/tables.py", "[2]", "[4]"),
    "when a block binds": ("harness/data/tables.py", "ValueError", "TypeError"),
    "a module that is passed on": ("harness/data/wholly.py", "return 1", "return 2"),
    "an import of everything": ("harness/data/starred.py", "return 1", "return 2"),
    "a condition": (PROGRAM, "times > 9", "times > 8"),
    "a checked condition": (PROGRAM, "assert times,", "assert times > 1,"),
    "the kind of an error": (PROGRAM, "raise BadValue(", "raise ValueError("),
    "a function for the same work": (PROGRAM, "f.half(i)", "f.fourth(i)"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_can_change_a_result_changes_the_version(tmp_path: Path, change: str) -> None:
    assert version(tmp_path / "new", edit=CHANGES[change]) != version(tmp_path / "old")


SAME = {
    "a class that nobody refers to": (PROGRAM, "class Unused:\n    pass", "class Unused:\n    x = 1"),
    "a new class": (SHAPES, "class Shape:", "class Square:\n    side = 1\n\n\nclass Shape:"),
    "a function that nobody refers to": (PROGRAM, "return 7", "return 8"),
    "a new function": (FORMULA, "def half(x):", "def fifth(x):\n    return x / 5\n\n\ndef half(x):"),
    "an unused function beside one that is imported": ("harness/data/late.py", "return 8", "return 9"),
    "a docstring": (PROGRAM, '"""Runs."""', '"""Runs it all."""'),
    "no docstring": (PROGRAM, '    """A module."""\n', ""),
    "a comment": (PROGRAM, "# so far", "# up to now"),
    "an annotation of an argument": (PROGRAM, "trial: Nothing", "trial: object"),
    "an annotation of a variable": (PROGRAM, "total: float = 0.0", "total = 0.0"),
    "a declaration": (PROGRAM, "    total: float", "    more: int\n    total: float"),
    "an annotation of a field": (PROGRAM, "scale: float", "scale: int"),
    "the annotation of a result": (PROGRAM, "x: float) -> float", "x: float) -> int"),
    "an error's text": (PROGRAM, "is bad:", "is too many:"),
    "where an error is from": (PROGRAM, 'MESSAGES}")', 'MESSAGES}") from None'),
    "a table for an error's text": (PROGRAM, '"too bad"', '"so bad"'),
    "the message of an assertion": (PROGRAM, '"none"', '"not any"'),
    "a log line": (PROGRAM, 'log.info("runs %s", times)', 'log.warning("ran %s", times)'),
    "no log line": (PROGRAM, '    log.info("runs %s", times)\n', ""),
    "a property that nobody names": (PROGRAM, 'PRICES["a"]', 'PRICES["b"]'),
    "a table for such a property": (PROGRAM, '{"a": 1}', '{"a": 2}'),
    "a method that nobody names": (SHAPES, "return 3", "return 4"),
    "a protocol that nobody names": (SHAPES, "x): ...", "x, y): ..."),
    "an import for types alone": (PROGRAM, "import Nothing", "import Something"),
    "an import that is not used": (PACKAGE, "exported as unused", "exported as unneeded"),
    "a module that does not count": ("harness/errors.py", "(Exception)", "(ValueError)"),
    "a module whose name begins alike": ("harness/database.py", "return 1", "return 2"),
    "the way it is written": (PROGRAM, "return module\n", "return (\n        module\n    )\n\n"),
}


@pytest.mark.parametrize("change", SAME)
def test_what_cannot_change_a_result_does_not(tmp_path: Path, change: str) -> None:
    assert version(tmp_path / "new", edit=SAME[change]) == version(tmp_path / "old")


def test_a_new_module_changes_nothing(tmp_path: Path) -> None:
    new = tree(tmp_path / "new", FILES | {"harness/data/new.py": "def half(x):\n    return x\n"})
    assert version_of(ENTRIES, new) == version(tmp_path / "old")


def test_a_registered_subclass_counts_though_nobody_names_it(tmp_path: Path) -> None:
    source = """
class Base:
    known = []

    def __init_subclass__(cls):
        cls.known.append(cls)

    def value(self):
        return 0


class One(Base):
    def value(self):
        return 1


def run():
    return [kind().value() for kind in Base.known]
"""
    entry = frozenset({"harness.models.kinds:run"})
    versions = {
        version_of(entry, tree(tmp_path / str(i), {"harness/models/kinds.py": text}))
        for i, text in enumerate((source, source.replace("return 1", "return 2")))
    }
    assert len(versions) == 2


METHOD = "class A:\n def value(self): ...\n"
REACHED = {
    "a name put together": ("A.value", METHOD + "def run(x): return getattr(A(), f'val{x}')"),
    "a name out of a variable": ("A.value", METHOD + "def run(x='value'): return getattr(A(), x)"),
    "a path of names": ("A.value", METHOD + "def run(): return attrgetter('a.value')(A)"),
    "a pattern": ("A.value", METHOD + "def run(x):\n match x:\n  case A(value=1): return 2"),
    "what files are asked for": ("A.write", "class A:\n def write(self): ...\ndef run(x): x(A())"),
    "a base by another name": ("A.f", "B = nn.Module\nclass A(B):\n def f(self): ...\ndef run(): A()"),
    "an enumeration's rule": ("A._missing_", "class A(Enum):\n def _missing_(self): ...\ndef run(): A(1)"),
    "a default in a class": (
        "A.f",
        "class A:\n def f(self): ...\n def __call__(self, g=f): ...\ndef run(): A()()",
    ),
    "any name": ("f", "def run(x): return globals()[x]()\ndef f(): ..."),
    "a table that is filled": ("f", "T = {}\nfor i in 'ab': T[i] = f\ndef run(): return T\ndef f(): ..."),
}


@pytest.mark.parametrize("way", REACHED)
def test_every_way_to_reach(tmp_path: Path, way: str) -> None:
    name, source = REACHED[way]
    made_up = tree(tmp_path, {"harness/models/one.py": source})
    assert f"harness.models.one:{name}" in reached({"harness.models.one:run"}, made_up)


@pytest.mark.parametrize(
    "use",
    [
        "import importlib\n\n\ndef run():\n    return importlib.import_module('harness.data.late')\n",
        "from harness import data\n\n\ndef run():\n    return data.late.late(1)\n",
        "import harness.data.late\n\n\ndef run():\n    return harness.data.late.late(1)\n",
        "import harness.data.late\n\n\ndef run():\n    return vars(harness.data)\n",
        "from ..data import late\n\n\ndef run():\n    return late.late(1)\n",
        "from ..data.late import late as run\n",
        "if 1:\n    from harness.data import late as late\n\n\ndef run():\n    return late.late(1)\n",
        "class A:\n    from harness.data.late import late\n\n\ndef run():\n    return A.late(1)\n",
        "def run():\n    global late\n    from harness.data import late\n    return use()\n\n\n"
        "def use():\n    return late.late(1)\n",
    ],
)
def test_every_way_to_import(tmp_path: Path, use: str) -> None:
    files = FILES | {"harness/training/user.py": use}
    assert "harness.data.late:late" in reached({"harness.training.user:run"}, tree(tmp_path, files))


def test_packages_that_import_one_another_end(tmp_path: Path) -> None:
    files = {
        "harness/data/__init__.py": "from harness.data import a\nfrom harness.data.a import f\n",
        "harness/data/a.py": "from harness import data\n\n\ndef f():\n    return data.f, data.a, data\n",
    }
    assert "harness.data.a:f" in reached({"harness.data:f"}, tree(tmp_path, files))


def test_only_the_order_of_what_runs_matters(tmp_path: Path) -> None:
    first, second, function = "A = draw()", "B = draw()", "def draw():\n    return 1"
    tail = "def run():\n    return A, B"
    orders = [
        (function, first, second, tail),
        (tail, function, first, second),
        (function, second, first, tail),
    ]
    found = [
        version_of(
            frozenset({"harness.models.order:run"}),
            tree(tmp_path / str(i), {"harness/models/order.py": "\n\n".join(parts)}),
        )
        for i, parts in enumerate(orders)
    ]
    assert found[0] == found[1] != found[2]


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_definitions_may_be_moved_about(tmp_path: Path, data: st.DataObject) -> None:
    statements = [ast.unparse(s) for s in ast.parse(FILES[SHAPES]).body]
    moved = data.draw(st.permutations(statements))
    folder = tmp_path / "".join(str(statements.index(s)) for s in moved)
    new = tree(folder, FILES | {SHAPES: "\n\n\n".join(moved)})
    assert version_of(ENTRIES, new) == version(tmp_path / "old")


@pytest.mark.parametrize(
    "name",
    ["harness.training.program:walk", "harness.training.nothing:run", "harness.database:query",
     "harness.training.program:Area.none"],
)  # fmt: skip
def test_an_entry_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(LookupError, match=name):
        reached({name}, tree(tmp_path, FILES))


def test_what_counts_goes_by_whole_names() -> None:
    assert counts("harness.data")
    assert counts("harness.data.images")
    assert counts("harness.contract.streams")
    assert not counts("harness.database")
    assert not counts("harness")


SCHEDULED = {
    "harness.training.scheduled.program:run",
    "harness.training.scheduled.recipe:Scheduled",
    "harness.data.inputs.resident:inputs",
    "harness.models.layers.convolution:build",
    "harness.models.layers.dense:build",
    "harness.models.description:Network",
    "harness.models.description:Conv",
    "harness.models.description:Dense",
    "harness.training.schedules:Drops",
}


def test_a_training_reaches_all_that_it_is_made_of() -> None:
    assert {
        "harness.training.loop:Loop.train",
        "harness.training.step:step",
        "harness.training.update:Momentum2012._update",
        "harness.training.schedules:Drops.at",
        "harness.models.layers.dense:FlatLinear.forward",
        "harness.models.description:Conv.margins",
        "harness.models.network:Net.initialise",
        "harness.data.augmentation:draw_crops",
        "harness.data.stand_in:gratings",
        "harness.contract.streams:generator",
    } <= set(reached(SCHEDULED))


def test_a_training_does_not_reach_what_is_for_other_purposes() -> None:
    names = set(reached(SCHEDULED))
    assert not names & {
        "harness.data.catalogue:DATA_SETS",
        "harness.training.scheduled.recipe:Scheduled.most_images",
        "harness.training.scheduled.recipe:Scheduled.most_evaluated",
        "harness.training.schedules:Plateau",
        "harness.models.description:Network.multiply_adds",
        "harness.data.cifar10:fetch",
    }
    modules = {name.partition(":")[0] for name in names}
    assert not modules & {
        "harness.data.packing.writer",
        "harness.models.alexnet",
        "harness.training.to_target",
    }
    assert all(map(counts, modules))


def test_programs_are_found_by_their_settings_alone() -> None:
    """The only names imported at run time are those of an `implementation`, which settings state."""
    for name in (
        n
        for package in ("models", "data", "training", "analysis")
        for n in CHECKOUT.below(f"harness.{package}")
    ):
        source = CHECKOUT.root.joinpath(*name.split(".")).with_suffix(".py")
        for node in ast.walk(ast.parse(source.read_text() if source.is_file() else "")):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                ("import_module", "resolve_name")
            ):
                assert ast.unparse(node.args[0]).endswith(".implementation")
