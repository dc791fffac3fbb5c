"""Runs every test that needs a GPU, whole trials and every workload, and reports them on one page.

    make gpu                                   # or: python -m harness.bench.gpu_suite
    make gpu ARGS="--device cpu --quick"       # tries it out on a machine without one

Each part is a separate process with a time limit. After each, `results/gpu/results.json` and `index.md` are
written. A part that fails, crashes or hangs is reported and the next one begins; repeating the command
continues with what has not passed. Exit status: 0 if all passed, 1 if a part did not, 2 if there is no GPU.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.bench import workloads
from harness.bench.gpu_suite_page import page
from harness.bench.gpu_suite_readers import READERS, Measured, Read
from harness.bench.parts import Ended, Part, PartOutcome, PartState, run, tail
from harness.contract.formatting import duration
from harness.records import environment
from harness.records.files import write_whole
from harness.records.provenance import ROOT, provenance

MINUTES = 9.0  # for all parts together, so that the page is written within ten
SHORTEST = 10.0  # seconds: no part begins with less time left
TURNS = 20.0  # seconds for the turns of a workload
LIMITS = {"device": 90.0, "test": 90.0, "check": 180.0, "bench": 90.0}  # seconds
# Between them: networks with and without norms and dropout, checkpoints, evaluation, worker processes and
# timed steps. One command, so that workers start and speeds are measured once.
TRIALS = ("relu-speedup", "lrn", "augmentation-cost")
SPENT = "the time for all parts was spent: the same command continues here"
MARK = "pytest.mark.gpu"


@dataclass(frozen=True)
class Options:
    """The command's options."""

    device: str
    quick: bool
    minutes: float
    again: bool
    out: Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the remaining parts; returns the exit status."""
    options, begun = _options(arguments), time.monotonic()
    if options.device == "cpu" and not options.quick:
        return _refused("--device cpu is for trying this out: add --quick")
    first = outcome(_device(options), options.out, LIMITS["device"])
    if first.measured.get("available") is False:
        return _refused(_absent(first.measured))
    minutes = options.minutes - (time.monotonic() - begun) / 60
    found = go_through(parts(options), options.out, stamp(options), minutes, options.again, first)
    print(f"The page is {options.out / 'index.md'}.")
    return int(any(one.wrong for one in found))


def _absent(seen: Measured) -> str:
    """Why torch finds no GPU, and what to do."""
    built = f"torch {seen.get('torch')}, built for CUDA {seen.get('built for CUDA')},"
    if (name := environment.gpu_name()) is not None:
        return (
            f"there is an {name}, but {built} cannot use it: update its driver, or install a torch for the "
            "CUDA version that 'nvidia-smi' shows, and run python -m harness.bench.gpu_suite with it"
        )
    return (
        f"{built} finds no GPU: run this on a machine with an NVIDIA GPU and driver, or try it here with "
        'make gpu ARGS="--device cpu --quick"'
    )


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(
        prog="harness.bench.gpu_suite", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--quick", action="store_true", help="short turns")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="for all parts together")
    parser.add_argument("--again", action="store_true", help="also repeat what has passed")
    parser.add_argument("--out", type=Path, default=Path("results/gpu"))
    return Options(**vars(parser.parse_args(arguments)))


def _refused(sentence: str) -> int:
    print(f"gpu: {sentence}", file=sys.stderr)
    return 2


def parts(options: Options) -> list[Part]:
    """Every file of GPU tests, whole trials and every workload."""
    found = [_tests(path, options) for path in files_of_gpu_tests(ROOT / "tests")]
    found.append(_trials(TRIALS, options))
    known = {name: workloads.named(name).of for name in workloads.names()}
    together = [[name, *(n for n, of in known.items() if of == name)] for name, of in known.items() if not of]
    return found + [_workloads(some, options) for some in together]


def files_of_gpu_tests(folder: Path) -> list[Path]:
    """The files with tests that are marked as needing a GPU."""
    return [p for p in sorted(folder.rglob("test_*.py")) if MARK in p.read_text(encoding="utf-8")]


def _device(options: Options) -> Part:
    command = (sys.executable, "-m", "harness.bench.probe", options.device)
    return Part("device", command, LIMITS["device"], "device")


def _tests(path: Path, options: Options) -> Part:
    name = f"tests of {path.relative_to(ROOT / 'tests').as_posix()}"
    report = place(options.out, name).resolve() / "junit.xml"
    how = ("-q", "--tb=short", "-m", "gpu", f"--junitxml={report}")
    return Part(name, (sys.executable, "-m", "pytest", *how, str(path)), LIMITS["test"], "test")


def _trials(claims: Sequence[str], options: Options) -> Part:
    name = f"run {' '.join(claims)}"
    store = place(options.out, name).resolve() / "store"
    where = ("--device", options.device, "--results-dir", str(store))
    command = (sys.executable, "repro.py", "run", *claims, "--protocol", "smoke", *where)
    return Part(name, command, LIMITS["check"])


def _workloads(names: Sequence[str], options: Options) -> Part:
    """A workload, with those that project from its measurements."""
    how = ("--quick",) if options.quick else ("--seconds", f"{TURNS:g}")
    command = (sys.executable, "repro.py", "bench", *names, "--json", "--device", options.device, *how)
    return Part(f"bench {' '.join(names)}", command, LIMITS["bench"], "bench")


def place(out: Path, name: str) -> Path:
    """The folder that a part writes to."""
    return out / "parts" / "".join(c if c.isalnum() else "-" for c in name)


def stamp(options: Options) -> dict[str, Any]:
    """What results must have in common to share a page."""
    return {
        "code": str(provenance()),
        "source": provenance().source,
        "torch": environment.torch_version(),
        "gpu": environment.gpu_name(),
        "cpu": f"{environment.cpu_name()}, {environment.cores()} cores",
        "device": options.device,
        "quick": options.quick,
    }


def go_through(
    todo: Sequence[Part],
    out: Path,
    made_with: Mapping[str, Any],
    minutes: float,
    again: bool,
    first: PartOutcome | None = None,
) -> list[PartOutcome]:
    """Runs each part that has not passed with the same stamp, and writes the results after each."""
    earlier = None if again else ended_before(out / "results.json", made_with)
    if earlier is None:  # what another run left must not be taken for this one's
        shutil.rmtree(out / "parts", ignore_errors=True)
    before = {one.name: one for one in earlier or () if one.state is PartState.PASSED}
    found, end = [first] if first else [], time.monotonic() + 60 * minutes
    for number, part in enumerate(todo, 1):
        left = end - time.monotonic()
        print(
            f"{number} of {len(todo)}: {part.name}, at most {duration(part.limit)} …",
            flush=True,
        )
        one = before.get(part.name) or outcome(part, out, left)
        print(f"    {one.state}: {one.sentence}", flush=True)
        found.append(one)
        write(out, made_with, [*found, *(before.get(p.name) or _waiting(p) for p in todo[number:])])
    return found


def ended_before(path: Path, made_with: Mapping[str, Any]) -> list[PartOutcome] | None:
    """The parts of an earlier run with the same stamp; None without one, or if its file is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["stamp"] != dict(made_with):
            return None
        return [PartOutcome(**{**one, "state": PartState(one["state"])}) for one in content["parts"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _waiting(part: Part) -> PartOutcome:
    return PartOutcome(part.name, part.kind, PartState.NOT_RUN, "its turn has not come")


def write(out: Path, made_with: Mapping[str, Any], found: Sequence[PartOutcome]) -> None:
    """Writes the JSON and the page, each atomically."""
    written = datetime.now(UTC).isoformat(timespec="seconds")
    content = {
        "format": 1,
        "written": written,
        "stamp": dict(made_with),
        "parts": [asdict(one) for one in found],
    }
    write_whole(out / "results.json", json.dumps(content, indent=1) + "\n")
    write_whole(out / "index.md", page(written, made_with, found))


def outcome(part: Part, out: Path, left: float) -> PartOutcome:
    """Runs a part within the seconds left for all parts, and returns its outcome; raises nothing."""
    if left < SHORTEST:
        return PartOutcome(part.name, part.kind, PartState.NOT_RUN, SPENT)
    folder = place(out, part.name)
    (folder / "junit.xml").unlink(missing_ok=True)  # but a store stays: `run` resumes from it
    ended = None
    try:
        ended = run(part.command, min(part.limit, left), folder, ROOT)
        state, sentence, measured = _read(part, ended, left, folder)
    except Exception as error:  # in this program: it is reported too, and the other parts continue
        state, sentence, measured = PartState.FAILED, f"{type(error).__name__}: {error}", {}
    written = tail(f"{ended.out}\n{ended.err}") if ended and state is not PartState.PASSED else ""
    return PartOutcome(
        part.name, part.kind, state, sentence, ended.seconds if ended else 0, measured, written
    )


def _read(part: Part, ended: Ended, left: float, folder: Path) -> Read:
    """The result of a process; one that did not end by itself left nothing to read."""
    if ended.code is None:
        if left < part.limit:
            return PartState.NOT_RUN, SPENT, {}
        return PartState.TIMED_OUT, ended.sentence, {}
    if ended.code < 0:
        return PartState.FAILED, ended.sentence, {}
    return READERS[part.kind](ended, folder)


if __name__ == "__main__":
    sys.exit(main())
