"""What the output of a part of `make gpu` says: its state, a sentence and what was measured."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from harness.bench.gpu_suite_page import FIRST_FAILURE
from harness.bench.parts import Ended, PartState, tail
from harness.bench.probe import KERNELS

MESSAGE = 300  # characters quoted of a failed test's message
Measured = Mapping[str, Any]
Read = tuple[PartState, str, Measured]


def read_check(ended: Ended, folder: Path) -> Read:
    """Uses only the exit code."""
    return PartState.FAILED if ended.code else PartState.PASSED, ended.sentence, {}


def read_json(ended: Ended, folder: Path) -> Read:
    """A process that prints JSON; its last line if it fails."""
    if ended.code:
        return PartState.FAILED, f"{ended.sentence}: {_last(ended.err)}".rstrip(": "), _json(ended.out)
    measured = _json(ended.out)
    if not measured:
        return PartState.FAILED, "it printed no JSON", {}
    return PartState.PASSED, ended.sentence, measured


def read_device(ended: Ended, folder: Path) -> Read:
    """The device; it has failed if it multiplies wrongly, or if Triton does not run on it."""
    state, sentence, measured = read_json(ended, folder)
    if wrong := [name for name, right in measured.items() if name.startswith("torch.") and right is False]:
        return PartState.FAILED, f"wrong products in {' and '.join(wrong)}", measured
    if measured.get(KERNELS) is False:
        return PartState.FAILED, f"{KERNELS} do not run: {_last(ended.err)}".rstrip(": "), measured
    return state, sentence, measured


def read_bench(ended: Ended, folder: Path) -> Read:
    """A workload; it has failed if one of its ways has."""
    state, sentence, measured = read_json(ended, folder)
    wrong = dict(measured.get("failed", {}))
    for one in measured.get("workloads", ()):
        wrong |= {f"{one['workload']}, {way}": why for way, why in one["failed"].items()}
    if wrong:
        return PartState.FAILED, "; ".join(f"{name}: {why}" for name, why in wrong.items()), measured
    return state, sentence, measured


def _last(text: str) -> str:
    """The last line that is not empty."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


def _json(text: str) -> Measured:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def read_tests(ended: Ended, folder: Path) -> Read:
    """Uses pytest's own report, and quotes its first failure; if all were skipped, nothing was shown."""
    suite = ElementTree.parse(folder / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    wrong = count["failures"] + count["errors"]
    good = count["tests"] - wrong - count["skipped"]
    sentence = f"{good} passed, {wrong} failed, {count['skipped']} skipped"
    if wrong or ended.code:
        name, message, text = _first_failure(suite)
        said = {FIRST_FAILURE: text} if text else {}
        return PartState.FAILED, f"{sentence}; {name}: {message}".rstrip("; :"), {**count, **said}
    return PartState.PASSED if good else PartState.SKIPPED, sentence, count


def _first_failure(suite: ElementTree.Element) -> tuple[str, str, str]:
    """The test, its message in a line and its traceback; empty if there is none."""
    for case in suite.iter("testcase"):
        for wrong in (*case.iter("failure"), *case.iter("error")):
            message = " ".join(wrong.get("message", "").split())[:MESSAGE]
            return case.get("name", ""), message, tail(wrong.text or "")
    return "", "", ""


READERS: Mapping[str, Callable[[Ended, Path], Read]] = {
    "check": read_check,
    "device": read_device,
    "test": read_tests,
    "bench": read_bench,
}
