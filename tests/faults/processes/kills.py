"""Kills commands at random moments, restarts them until they end, and compares what is left.

Every restarted command resumes where the killed one stopped. When one ends by itself, all that it leaves is
compared with what an undisturbed one leaves, and the next starts afresh. Ctrl-C ends the killing early: what
was found until then counts.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.page import Findings, came
from tests.faults.processes import victims
from tests.faults.processes.scenes import PREPARE, RANKS, ROOT, RUN, Scene

HEADING = "Killed at random moments"
DEADLINE = 60.0  # seconds within which a command that was asked to end must do so
LONGEST = 600.0  # seconds that an undisturbed one may take
SCENES = (RUN, RANKS, PREPARE)
DRIVER = ("driver, kill -9", "driver, SIGTERM", "driver, SIGTERM twice", "all, Ctrl-C", "all, Ctrl-C twice")
HOW = {
    RUN.name: (*DRIVER, "worker, kill -9", "worker, SIGTERM"),
    RANKS.name: (*DRIVER, "worker, kill -9", "rank, kill -9"),
    PREPARE.name: (*DRIVER, "worker, kill -9"),
}


class Hunt:
    """One scene: its undisturbed outcome, and a folder in which it is killed until it ends."""

    def __init__(self, scene: Scene, base: Path, chance: random.Random) -> None:
        """Runs it once undisturbed."""
        self.scene, self.base, self.chance = scene, base, chance
        self.kills: Counter[str] = Counter()
        self.slowest = dict[str, float]()
        self.faults: list[str] = []
        self.compared, self.number = 0, 0
        begun = time.monotonic()
        self.expected = scene.undisturbed(self.folder, LONGEST)
        self.lasts = time.monotonic() - begun
        self._anew()

    @property
    def folder(self) -> Path:
        """The folder where it runs now."""
        found = self.base / f"{self.scene.folder}-{self.number}"
        found.mkdir(parents=True, exist_ok=True)
        return found

    def kill(self) -> bool:
        """Starts or resumes it, and kills it; whether it was still there to be killed."""
        how, at_a_write = self.chance.choice(HOW[self.scene.name]), self.chance.random() < 0.3
        wait = self.chance.uniform(0, self.lasts)
        with self.scene.start(self.folder) as process:
            self._await(process, wait, at_a_write)
            if process.poll() is not None:
                self._ended(process.returncode)
                return False
            family = victims.below(process.pid)
            self._send(how, process.pid)
            begun = time.monotonic()
            self._expect_end(process, how, family)
        took = time.monotonic() - begun
        self.kills[how] += 1
        self.slowest[how] = max(took, self.slowest.get(how, 0.0))
        self.faults += [f"{self.scene.name}, {how}: {bad}" for bad in self.scene.bad(self.folder)]
        if process.returncode == 0:  # it was practically done
            self._ended(0)
        return True

    def end(self) -> None:
        """Restarts the command until it ends by itself, and compares."""
        for _ in range(3):  # a failed trial is only tried again by the next call
            with self.scene.start(self.folder) as process:
                try:
                    status = process.wait(LONGEST)
                except subprocess.TimeoutExpired:
                    self._hung(process, "in its last run")
                    return
            if status == 0:
                self._ended(0)
                return
        self.faults.append(f"{self.scene.name}: exit status {status} again and again, see {self.folder}")

    def _await(self, process: subprocess.Popen[bytes], seconds: float, at_a_write: bool) -> None:
        """Waits this long, or until the first half-written file after that."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and process.poll() is None:
            time.sleep(0.01)
        while at_a_write and process.poll() is None and not any(self.folder.glob("*/*/.*.part")):
            time.sleep(0.0005)

    def _send(self, how: str, pid: int) -> None:
        whom, what = how.split(", ")
        everybody = [pid, *victims.below(pid)]
        numbers = {"kill -9": signal.SIGKILL, "SIGTERM": signal.SIGTERM, "Ctrl-C": signal.SIGINT}
        number = numbers[what.removesuffix(" twice")]
        those = {"all": everybody, "driver": [pid]}.get(whom) or (
            victims.ranks(pid)[-1:] if whom == "rank" else victims.workers(pid)[:1]
        )
        victims.send(those, number)
        if what.endswith("twice"):
            time.sleep(self.chance.uniform(0, 0.5))
            victims.send(those, number)

    def _expect_end(self, process: subprocess.Popen[bytes], how: str, family: Sequence[int]) -> None:
        """A driver must end in time; if a worker or a rank dies, its command says so and continues."""
        patience = DEADLINE if how in DRIVER else LONGEST
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            self._hung(process, how)
        end = time.monotonic() + DEADLINE
        while (left := victims.alive(list(family))) and time.monotonic() < end:
            time.sleep(0.05)
        if left:
            victims.send(left, signal.SIGKILL)
            self.faults.append(f"{self.scene.name}, {how}: processes outlived it by {DEADLINE:.0f} s")

    def _hung(self, process: subprocess.Popen[bytes], how: str) -> None:
        victims.send([*victims.below(process.pid), process.pid], signal.SIGKILL)
        process.wait()
        self.faults.append(f"{self.scene.name}, {how}: it hung, see {self.folder / 'output'}")

    def _ended(self, status: int) -> None:
        """Compares what a complete command left, and starts afresh; if trials failed, it continues."""
        bad = self.scene.traceback(self.folder)
        if not status:
            bad += self.scene.differences(self.folder, self.expected)
        self.faults += [f"{self.scene.name}: {one}" for one in bad]
        if status:
            return
        self.compared += 1
        self._anew()

    def _anew(self) -> None:
        shutil.rmtree(self.folder) if not self.faults else None
        self.number += 1


COLUMNS = ("command", "target, signal", "kills", "slowest exit, s")


def run(count: int, seed: int) -> Findings:
    """Kills this many commands, taking the scenes in turn."""
    chance, before, base = random.Random(seed), _checkout(), Path(tempfile.mkdtemp(prefix="kills-"))
    hunts = [Hunt(scene, base, chance) for scene in SCENES]
    done = 0
    with suppress(KeyboardInterrupt):  # what was found until then counts
        while done < count:
            done += hunts[done % len(hunts)].kill()
            print(f"{done} of {count} kills, {sum(len(h.faults) for h in hunts)} faults", file=sys.stderr)
    for hunt in hunts:
        hunt.end()
    faults = [fault for hunt in hunts for fault in hunt.faults]
    if _checkout() != before:
        faults.append("something was written to the checkout")
    if not faults:
        shutil.rmtree(base)
    return Findings(HEADING, _summary(done, seed, hunts, faults), COLUMNS, _rows(hunts), faults)


def _summary(count: int, seed: int, hunts: Sequence[Hunt], faults: Sequence[str]) -> str:
    compared = sum(hunt.compared for hunt in hunts)
    return "\n".join(
        [
            f"{count} kills with seed {seed}, finished on {datetime.now(UTC):%Y-%m-%d}, by",
            f"`python -m tests.faults --kills {count} --seed {seed}`: {came(faults)}.",
            "A third of the kills come during a write, the others at any moment.",
            f"{compared} times a command finished after its kills, and what it left was compared with an",
            "undisturbed run: every trial once, every curve, metric and packed image bit for bit, no",
            "extra or missing file, nothing outside its folder but the machine's locks (and, after a",
            "kill -9 of multi-process training, the socket of Python's fork server in the temporary",
            "folder). After each kill every record had to be intact, and a command that was asked to",
            f"stop had to be gone, with all of its processes, within {DEADLINE:.0f} s.",
        ]
    )


def _rows(hunts: Sequence[Hunt]) -> list[tuple[str, str, int, str]]:
    return [
        (hunt.scene.name, how, kills, f"{hunt.slowest[how]:.1f}" if how in DRIVER else "continues")
        for hunt in hunts
        for how, kills in sorted(hunt.kills.items())
    ]


def _checkout() -> str:
    """What git says about the files of the checkout."""
    return subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True).stdout
