"""What all tests share: the location of the real images, patience, and one thread."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import forkserver
from pathlib import Path

import hypothesis
import pytest
import torch

from harness.data import sources

# No property test may fail by the clock on a machine that also does other work.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips tests marked `gpu` where there is no GPU."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.skip("needs a CUDA GPU")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _locks_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test waits for trials on this machine or for tests in parallel with it, nor do these wait for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def rank_server() -> None:
    """The server that ranks are forked from, which has already imported what training in ranks needs.

    Otherwise, every rank would take two seconds to import torch._dynamo, which averages gradients.
    """
    forkserver.set_forkserver_preload(
        ["torch.distributed", "torch._dynamo", "harness.training.scheduled.program"]
    )
    forkserver.ensure_running()


@pytest.fixture(scope="session")
def images_place() -> Path | None:
    """The folder of real CIFAR-10, or None for the stand-in: for tests that can use any images."""
    source = sources.find("cifar10", None)
    return None if source is None or source.place is None else source.place.resolve()


@pytest.fixture(scope="session")
def cifar_root() -> Path:
    """The folder of real CIFAR-10; the test is skipped where there is none."""
    source = sources.find("cifar10", None)
    if source is None or source.place is None:
        pytest.skip("needs CIFAR-10: './repro.py data fetch', or name its parent folder in $REPRO_DATA")
    return source.place.resolve()
