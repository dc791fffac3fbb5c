"""Nodes of a Ray cluster that end while the smoke catalogue runs on it: the same records as without them."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.records.store import Store
from tests.fakes.cluster import grow, small_cluster
from tests.faults.page import Findings, came
from tests.faults.processes.scenes import CATALOGUE, Scene, ended

HEADING = "Cluster nodes that are lost"
NODES = 3
LONGEST = 3600.0  # seconds that the catalogue may take
COLUMNS = ("node", "lost at record", "of")


def run(count: int, seed: int, scene: Scene = CATALOGUE) -> Findings:
    """On this machine's cores, then on a cluster that loses this many nodes, one after another."""
    chance, base = random.Random(seed), Path(tempfile.mkdtemp(prefix="nodes-"))
    alone, shared = base / "alone", base / "shared"
    for folder in (alone, shared):
        folder.mkdir()
    expected = scene.undisturbed(alone, LONGEST)
    trials = len(Store(alone / "results").records)
    moments = sorted(chance.sample(range(1, trials), count))
    with small_cluster(NODES) as cluster:
        engine = ("--engine", "ray", "--address", cluster.address, "--storage", str(shared / "results"))
        with scene.start(shared, *engine) as process:
            lost = [_lose(cluster, process, shared, moment, chance) for moment in moments]
            status = ended(process, LONGEST)
    faults = [f"exit status {status}, see {shared / 'output'}"] if status else []
    faults += scene.traceback(shared) + scene.bad(shared) + scene.differences(shared, expected)
    faults += [f"the command ended before record {moment}" for moment in moments if moment not in lost]
    if not faults:
        shutil.rmtree(base)
    rows = [(number, at, trials) for number, at in enumerate(lost, 1)]
    return Findings(HEADING, _summary(count, seed, scene, faults), COLUMNS, rows, faults)


def _lose(
    cluster: Any, process: subprocess.Popen[bytes], folder: Path, moment: int, chance: random.Random
) -> int | None:
    """Ends a node that is not the head once there are this many records, and starts another in its place."""
    end = time.monotonic() + LONGEST
    while len(list((folder / "results" / "records").glob("*.json"))) < moment:
        if process.poll() is not None or time.monotonic() > end:
            return None
        time.sleep(0.1)
    time.sleep(chance.uniform(0, 3))
    cluster.remove_node(chance.choice(sorted(cluster.worker_nodes, key=id)), allow_graceful=False)
    print(f"a node was ended after {moment} records", file=sys.stderr)
    grow(cluster)
    return moment


def _summary(count: int, seed: int, scene: Scene, faults: list[str]) -> str:
    import ray

    return "\n".join(
        [
            f"`{scene.name} --protocol smoke` with Ray {ray.__version__} on {NODES} nodes of one core each,",
            "on the procedural stand-in for CIFAR-10.",
            f"{count} times a node was killed with `kill -9` at random, and another took its place,",
            f"with seed {seed}, finished on {datetime.now(UTC):%Y-%m-%d}, by",
            f"`python -m tests.faults --nodes {count} --seed {seed}`: {came(faults)}.",
            "Every trial must have one record, whose curve and metrics match those of the local engine",
            "bit for bit, except for times.",
        ]
    )
