"""Where a record's code came from: in a repository, a worktree, another user's checkout, and without git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.contract import plugins
from harness.records.provenance import Provenance, declared, packages_hash, provenance, source_hash


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@b", "-c", "safe.directory=*")
    environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "TZ": "UTC"}
    command = ["git", *identity, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environ, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "harness").mkdir(parents=True)
    (root / "harness" / "code.py").write_text("x = 1\n")
    (root / "README.md").write_text("text\n")
    git(root.parent, "init", "-q", str(root))
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


def test_a_clean_checkout(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "--short=12", "HEAD")
    assert provenance(checkout) == Provenance(head, False, source_hash(checkout))
    assert str(provenance(checkout)) == head


@pytest.mark.parametrize("name", ["code.py", "new.py"])
def test_changed_and_new_code_are_changes(checkout: Path, name: str) -> None:
    before = source_hash(checkout)
    (checkout / "harness" / name).write_text("x = 2\n")
    found = provenance(checkout)
    assert found.dirty
    assert found.source != before
    assert str(found).endswith("+changes")


def test_other_files_are_no_changes_of_the_code(checkout: Path) -> None:
    (checkout / "README.md").write_text("another text\n")
    (checkout / "notes.txt").write_text("a note\n")
    assert provenance(checkout).dirty is False


def test_a_worktree(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "other")
    head = git(checkout, "rev-parse", "--short=12", "HEAD")
    assert (provenance(tmp_path / "tree").commit, provenance(tmp_path / "tree").dirty) == (head, False)


@pytest.mark.skipif(os.name == "nt" or os.getuid() != 0, reason="only root gives files away")
def test_a_checkout_that_belongs_to_another_user(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    head = git(checkout, "rev-parse", "--short=12", "HEAD")
    for path in [checkout, *checkout.rglob("*")]:
        os.chown(path, 12345, 12345, follow_symlinks=False)
    refused = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, capture_output=True, check=False)
    assert refused.returncode != 0  # git on its own would not say
    assert provenance(checkout).commit == head


@pytest.mark.parametrize("name", ["GIT_INDEX_FILE", "GIT_DIR", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY"])
def test_what_git_sets_for_its_hooks_changes_nothing(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    expected = provenance(checkout)
    monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert (provenance(checkout), expected.dirty) == (expected, False)


def test_without_git_there_is_the_source(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    found = provenance(checkout)
    assert (found.commit, found.dirty) == (None, None)
    assert str(found) == f"source {source_hash(checkout)}"


def test_where_it_can_be_checked_what_was_declared(checkout: Path) -> None:
    path = "harness/code.py"
    (checkout / "README.md").write_text("more\n")
    git(checkout, "commit", "-qam", "of something else")
    first = git(checkout, "rev-parse", "--short", "HEAD~1")
    found = declared(path, checkout)
    assert found
    assert (found.path, found.commit, found.changed) == (path, first, False)
    assert found.when == git(
        checkout, "log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", first
    )
    declared.cache_clear()
    (checkout / path).write_text("x = 2\n")
    again = declared(path, checkout)
    assert again
    assert again.changed
    assert declared("harness/none.py", checkout) is None
    assert declared(path, checkout.parent) is None


def test_signatures_that_git_shows_are_no_part_of_the_answer(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `log.showSignature`, git prints a line before what is asked for, if the commit is signed."""
    asked: list[list[str]] = []
    run = subprocess.run

    def seen(command: list[str], **options: object) -> object:
        asked.append(command)
        return run(command, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", seen)
    declared.cache_clear()
    assert declared("harness/code.py", checkout)
    assert all("log.showSignature=false" in command for command in asked)


def test_a_history_that_is_cut_off_dates_nothing(checkout: Path, tmp_path: Path) -> None:
    (checkout / "README.md").write_text("more\n")
    git(checkout, "commit", "-qam", "of something else")
    git(tmp_path, "clone", "-q", "--depth", "1", checkout.as_uri(), "shallow")
    assert declared("harness/code.py", tmp_path / "shallow") is None


def test_packages_are_the_same_wherever_they_lie_until_a_file_of_theirs_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def installed(site: str) -> str:
        folder = tmp_path / site
        (folder / "inside").mkdir(parents=True, exist_ok=True)
        (folder / "inside" / "__init__.py").write_text("x = 1\n")
        (folder / "coins.py").write_text("x = 1\n")
        monkeypatch.setattr(plugins, "packages", lambda: {"coins": folder, "inside": folder})
        return packages_hash()

    monkeypatch.setattr(plugins, "packages", dict)
    none = packages_hash()
    first = installed("here")
    assert installed("there") == first != none
    for changed in (tmp_path / "there" / "coins.py", tmp_path / "there" / "inside" / "__init__.py"):
        before = packages_hash()
        changed.write_text("x = 2\n")
        assert packages_hash() != before
