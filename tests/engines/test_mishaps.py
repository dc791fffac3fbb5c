"""What ends a trial from outside becomes a failed record of one sentence, and stops no other trial."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from harness.contract.device import CPU
from harness.contract.trial import Status, Trial
from harness.engines import mishaps
from harness.engines.local import LocalEngine, Place, execute
from harness.records.record import Record
from tests.fakes.evidence.trials import STAND_IN
from tests.fakes.running.mishaps import Mishap


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("no_memory", r"out of memory \(no memory is left\); run the same command again.*fewer --workers"),
        ("no_memory_for_torch", r"out of memory \(.*memory.*\); run the same command again"),
        (
            "full_disk",
            r"checkpoints/.*\.pt: File too large; fix that and run the same command again: it resumes",
        ),
        ("read_only_disk", r"checkpoints/.*\.pt: Read-only file system; fix that and run the same command"),
    ],
)
def test_it_is_a_failed_record_of_one_sentence(tmp_path: Path, what: str, sentence: str) -> None:
    record = execute(Trial(Mishap(what), 0), Place(CPU, STAND_IN, None, tmp_path))
    assert record is not None
    assert record.status is Status.FAILED
    assert "\n" not in record.error
    assert re.search(sentence, record.error), record.error
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_error_of_the_program_keeps_its_traceback() -> None:
    assert mishaps.of_an_error(ValueError("a bug")) == ""
    assert mishaps.of_an_error(FileNotFoundError(2, "No such file", "x")) == ""


def test_how_a_process_ended_is_said() -> None:
    killed = "ended with signal 9 (Killed), which the system sends when memory runs out; run"
    assert killed in mishaps.of_a_death(-9)
    assert "ended with signal 11 (Segmentation fault); run" in mishaps.of_a_death(-11)
    assert "ended with exit status 3; run" in mishaps.of_a_death(3)


def finished(engine: LocalEngine) -> list[Record]:
    found: list[Record] = []
    while engine.pending:
        found += engine.finished()
    return found


def test_a_killed_worker_stops_no_other_trial_and_a_stop_waits_for_those_alone_that_save(
    tmp_path: Path,
) -> None:
    engine = LocalEngine(CPU, 2, tmp_path)
    try:
        for what in ("killed", "nothing"):
            engine.submit(Trial(Mishap(what), 0), STAND_IN, None)
        ended = {record.trial["settings"]["what"]: record for record in finished(engine)}
        assert [ended[what].status for what in ("killed", "nothing")] == [Status.FAILED, Status.OK]
        assert "signal 9 (Killed)" in ended["killed"].error
        for what in ("saving", "endless", "nothing"):
            engine.submit(Trial(Mishap(what), 1), STAND_IN, None)
        while not (list(tmp_path.glob("*/*.begun")) and engine.messages.qsize() >= 5):
            assert list(engine.finished()) == []
        engine.interrupt()
        begun = time.monotonic()
        assert finished(engine) == []
        assert time.monotonic() - begun < 30
    finally:
        engine.close()
    assert len(list(tmp_path.glob("checkpoints/*.saved"))) == 1


def test_a_worker_that_is_asked_to_end_before_it_can_listen_has_not_failed(tmp_path: Path) -> None:
    engine = LocalEngine(CPU, 1, tmp_path)
    try:
        engine.submit(Trial(Mishap("nothing"), 0), STAND_IN, None)
        engine.workers.all[0].process.terminate()
        assert finished(engine) == []
        assert engine.stop.is_set()
    finally:
        engine.close()
