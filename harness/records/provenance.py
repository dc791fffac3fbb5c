"""Which code made a record: the commit, whether the tree differed from it, and the source hash."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from harness.contract import plugins

ROOT = Path(__file__).resolve().parents[2]
COMMIT = re.compile("[0-9a-f]{7,40}")
SOURCES = ("harness", "reproductions", "repro.py")


@dataclass(frozen=True)
class Provenance:
    """The code at the time; `commit` and `dirty` are None without git, `source` never is."""

    commit: str | None
    dirty: bool | None
    source: str

    def __str__(self) -> str:
        if self.commit is None:
            return f"source {self.source}"
        return self.commit + ("+changes" if self.dirty else "")


@cache
def provenance(root: Path = ROOT) -> Provenance:
    """The provenance of the code below `root`, determined once per process."""
    commit = _git(root, "rev-parse", "--short=12", "HEAD") if (root / ".git").exists() else None
    changes = _git(root, "status", "--porcelain", "--", *SOURCES) if commit else None
    return Provenance(commit or None, None if changes is None else bool(changes), source_hash(root))


@dataclass(frozen=True)
class Declared:
    """The commit that last changed the declarations made before anything runs, and its time in UTC."""

    path: str
    commit: str
    when: str
    changed: bool  # the file differs from the committed one


@cache
def declared(path: str, root: Path = ROOT) -> Declared | None:
    """The commit by which one can check that `path` predates the runs; None without its history."""
    if not (root / ".git").exists() or _git(root, "rev-parse", "--is-shallow-repository") != "false":
        return None
    seconds, _, commit = (_git(root, "log", "-1", "--format=%ct %h", "--", path) or "").partition(" ")
    if not commit:
        return None
    when = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Declared(path, commit, when, bool(_git(root, "status", "--porcelain", "--", path)))


@cache
def text_at(commit: str, path: str) -> str | None:
    """The text of a file as committed then; None if this clone does not have that commit or file."""
    if commit != "HEAD" and not COMMIT.fullmatch(commit):  # a record may hold any text
        return None
    return _git(ROOT, "show", f"{commit}:{path}") if (ROOT / ".git").exists() else None


def source_hash(root: Path) -> str:
    """Hash of every Python file of the program, by name and content."""
    return _hash(line for name in SOURCES for line in _files(root, root / name))


def packages_hash() -> str:
    """The same for packages that provide papers or reproductions; independent of where they are installed."""
    places = [(root, root / name) for top, root in plugins.packages().items() for name in (top, f"{top}.py")]
    return _hash(line for root, place in places for line in _files(root, place))


def _files(root: Path, place: Path) -> Iterator[str]:
    """A line for the file, or for each file below the folder."""
    for path in sorted(place.rglob("*.py")) or [place]:
        if path.is_file():
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            yield f"{digest} {path.relative_to(root).as_posix()}"


def _hash(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _git(root: Path, *arguments: str) -> str | None:
    """Git's output; None if git is missing or fails."""
    if shutil.which("git") is None:
        return None
    # A checkout that belongs to another user is read nevertheless: nothing in it is executed.
    trusted = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    # What git sets for its hooks, such as GIT_INDEX_FILE, is about another repository or another index.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false", *arguments]
    done = subprocess.run(
        command,
        cwd=root,
        env=environ | trusted,
        capture_output=True,
        encoding="utf-8",  # whatever the locale
        errors="replace",
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else None
