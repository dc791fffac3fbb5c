"""Processes that run together: they answer in order, end together, and leave no process behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import distributed as dist

from harness.contract.errors import BadValue, EngineError, HarnessError
from harness.contract.ranks import Group, Rank, launch
from harness.contract.session import Interrupted
from tests.fakes.running.sleepers import sleeps

pytestmark = pytest.mark.usefixtures("rank_server")
ROOT = Path(__file__).resolve().parents[2]
SOON = 60  # seconds, generous: cores may be busy


def sums(rank: Rank, term: int) -> tuple[int, int, float]:
    total = torch.tensor(float(rank.index + term))
    dist.all_reduce(total)
    return rank.index, rank.count, float(total)


def alone(rank: Rank) -> bool:
    return dist.is_initialized()


def killed(rank: Rank) -> None:
    """The second rank dies while the first one waits for it."""
    if rank.index == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    dist.barrier()


def refuses(rank: Rank) -> None:
    if rank.index == 0:
        raise BadValue("this cannot be")
    time.sleep(600)


def breaks(rank: Rank) -> None:
    raise ZeroDivisionError(f"in rank {rank.index}")


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for_two(folder: Path) -> list[int]:
    end = time.monotonic() + 4 * SOON
    while len(found := [int(path.name) for path in folder.iterdir()]) < 2 and time.monotonic() < end:
        time.sleep(0.05)
    assert len(found) == 2
    return found


def test_they_compute_together_and_answer_in_order() -> None:
    assert launch(sums, Group(2), 10) == [(0, 2, 21.0), (1, 2, 21.0)]
    assert launch(alone, Group(1)) == [False]


def test_a_rank_that_is_killed_ends_the_others_with_one_sentence() -> None:
    start = time.monotonic()
    with pytest.raises(
        EngineError, match=r"^rank 1 of 2 died while it was running \(out of memory, or killed\)"
    ):
        launch(killed, Group(2))
    assert time.monotonic() - start < SOON


def test_what_a_rank_says_is_passed_on() -> None:
    with pytest.raises(HarnessError, match=r"^this cannot be$"):
        launch(refuses, Group(2))
    with pytest.raises(RuntimeError, match=r"(?s)^rank 0 of 1 failed:.*ZeroDivisionError: in rank 0"):
        launch(breaks, Group(1))


def test_a_port_in_use_is_refused() -> None:
    with socket.socket(socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET) as other:
        other.bind(("", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EngineError, match=f"^port {port} of this machine cannot be used"):
            launch(sums, Group(2, port=port), 0)


def test_what_cannot_be_had_is_refused() -> None:
    with pytest.raises(BadValue, match="0 ranks were requested"):
        launch(alone, Group(0))
    with pytest.raises(EngineError, match=r"999 ranks need a GPU each"):
        launch(alone, Group(999, device="cuda"))


def test_asked_to_stop(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        launch(sleeps, Group(2), str(tmp_path), stopping=lambda: len(list(tmp_path.iterdir())) == 2)
    assert not any(map(running, wait_for_two(tmp_path)))


SCRIPT = """
import sys
from concurrent.futures import ProcessPoolExecutor
import multiprocessing
from tests.fakes.running.sleepers import two_sleep
if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        worker = pool.submit(two_sleep, sys.argv[1])
        print(*pool._processes, flush=True)
        worker.result()
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks in /proc")
def test_ranks_end_when_the_worker_that_started_them_is_killed(tmp_path: Path) -> None:
    folder, script = tmp_path / "ranks", tmp_path / "script.py"
    folder.mkdir()
    script.write_text(SCRIPT)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), str(folder)]
    with subprocess.Popen(
        command, env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as main:
        assert main.stdout is not None
        worker = int(main.stdout.readline())
        ranks = wait_for_two(folder)
        os.kill(worker, signal.SIGKILL)
        assert main.wait(SOON) != 0
    end = time.monotonic() + SOON
    while any(map(running, ranks)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(running, ranks))
