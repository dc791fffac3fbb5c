"""A small source tree, made up for tests of the code's version."""

from __future__ import annotations

from pathlib import Path

from harness.records.code_version import SourceTree

PROGRAM = "harness/training/program.py"
NEAR = "harness/training/near.py"
FORMULA = "harness/data/formula.py"
SHAPES = "harness/models/shapes.py"
PACKAGE = "harness/data/__init__.py"
FILES = {
    PROGRAM: '''
"""A program."""
from __future__ import annotations
import logging
from math import sqrt as root
from typing import TYPE_CHECKING
from torch import nn
import harness.data.formula as f
import harness.models.shapes
from harness.data import exported, tables, wholly
from harness.errors import BadValue
from .near import NEARBY, between
if TYPE_CHECKING:
    from harness.models.unused import Nothing

log = logging.getLogger(__name__)
MESSAGES = {"bad": "too bad"}
PRICES = {"a": 1}


class Net(nn.Module):
    """A module."""

    def extra_state(self):
        return 1


class Area(harness.models.shapes.Shape):
    scale: float = 2.0
    limit: int

    def __call__(self, x: float) -> float:
        """The area."""
        return self.measured(x) * self.scale

    @property
    def price(self):
        return PRICES["a"]

    def by_string(self):
        return 4

    def _private(self):
        return 5

    alias = _private


class Unused:
    pass


def run(trial: Nothing, times: int = 3) -> float:
    """Runs."""
    from harness.data.late import late

    total: float = 0.0  # so far
    if times > 9:
        raise BadValue(f"{times} is bad: {MESSAGES}")
    assert times, "none"
    log.info("runs %s", times)
    for i in range(times):
        total += between(f.half(i)) + late(i) + root(i) + exported(i) + tables.LOW[0] + NEARBY
    pick(wholly)
    return getattr(Area(), "by_string")() + total + len(list(Net().parameters()))


def pick(module):
    return module


def unused():
    return 7
''',
    NEAR: """
from ..data.formula import third as thirds
from ..contract import streams

NEARBY = 1
NEARBY += 1


def decorated(function):
    return lambda x: function(x) + 1


@decorated
def between(x):
    return thirds(x) + streams.draw(x)
""",
    FORMULA: """
import os
CONSTANT = 0.5
OTHER = 3
os.environ["SEED"] = "1"
REGISTRY = {}


def registered(function):
    REGISTRY[function.__name__] = function
    return function


@registered
def by_registry(x):
    return x * 9


def half(x):
    return x * CONSTANT


def third(x):
    return REGISTRY["by_registry"](x) / OTHER


def fourth(x):
    return x / 4
""",
    SHAPES: """
from typing import Protocol


class Rule(Protocol):
    def measured(self, x): ...


class Shape:
    kind = "shape"

    def measured(self, x):
        return x * self.side

    @property
    def side(self):
        return 2

    def unmentioned(self):
        return 3
""",
    PACKAGE: "from harness.data.inner import exported\nfrom harness.data.inner import exported as unused\n",
    "harness/data/inner.py": "def exported(x):\n    return x + 6\n",
    "harness/data/late.py": "def late(x):\n    return x + 7\n\n\ndef never(x):\n    return 8\n",
    "harness/data/tables.py": "try:\n    LOW = [1]\nexcept ValueError:\n    LOW = [2]\nHIGH = [3]\n",
    "harness/data/wholly.py": "from harness.data.starred import *\n\n\ndef some(x):\n    return 1\n",
    "harness/data/starred.py": "def star():\n    return 1\n",
    "harness/database.py": "def query():\n    return 1\n",
    "harness/contract/streams.py": "def draw(x):\n    return x\n\n\nDRAWN = draw(1)\n",
    "harness/errors.py": "class BadValue(Exception):\n    pass\n",
    "harness/__init__.py": "",
    "harness/models/__init__.py": "",
    "harness/training/__init__.py": "",
}


def tree(folder: Path, files: dict[str, str]) -> SourceTree:
    """The files as a tree below the folder."""
    for name, source in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(source)
    return SourceTree(folder)
