"""The connection to a running Ray cluster."""

from __future__ import annotations

import logging
import os
import socket
from urllib.parse import urlsplit

import ray

from harness.contract.errors import EngineError
from harness.engines.machine.workers import ALLOCATOR

PATIENCE = 10.0  # seconds for a cluster to answer
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


def connect(address: str) -> None:
    """Joins the cluster at `auto`, `<host>:<port>` or `ray://<host>:<port>`; EngineError if there is none.

    Workers get the same allocator settings as local ones. The connection ends with this process.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        _reach(address)
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"env_vars": ALLOCATOR},
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise EngineError(
            f"no Ray cluster at --address {address} ({_first_line(error)}): start one with "
            "'ray start --head', or see docs/cluster.md"
        ) from None


def _reach(address: str) -> None:
    """OSError or ValueError if nothing listens at an address, which Ray needs minutes to notice."""
    if address != "auto":
        found = urlsplit(address if "://" in address else f"//{address}")
        if not found.hostname or not found.port:
            raise ValueError("it is not auto, <host>:<port> or ray://<host>:<port>")
        socket.create_connection((found.hostname, found.port), timeout=PATIENCE).close()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
