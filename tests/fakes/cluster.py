"""A Ray cluster on this machine: one-core nodes in their own processes. Needs the extra `cluster`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

SMALL = {"object_store_memory": 80 * 2**20}  # bytes; Ray's minimum is 75 MiB
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "3",
}


def grow(cluster: Any) -> Any:
    """Adds a node, and returns it."""
    return cluster.add_node(num_cpus=1, **SMALL)


@contextmanager
def small_cluster(nodes: int) -> Iterator[Any]:
    """Ray's own `Cluster` with this many nodes; starts in about ten seconds and leaves nothing behind."""
    from ray.cluster_utils import Cluster

    # Ray's sockets need a short path, and those of pytest's own folders are too long.
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryDirectory(prefix="ray-") as folder,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", ResourceWarning)  # about its own pipes
        for name, value in {**SETTINGS, "RAY_TMPDIR": folder}.items():
            patch.setenv(name, value)
        (Path(folder) / "ray").mkdir()  # where it leaves a cluster's address
        head = {"num_cpus": 1, "include_dashboard": False, "temp_dir": folder, **SMALL}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(nodes - 1):
                grow(cluster)
            yield cluster
        finally:
            cluster.shutdown()
