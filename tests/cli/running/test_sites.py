"""Where trials run: options of the other engine are refused, and whatever a cluster lacks is named."""

from __future__ import annotations

from importlib import util
from pathlib import Path

import pytest

from harness.cli.options import EngineOption
from harness.cli.running.sites import HERE, RayCluster, chosen_site
from harness.contract.errors import BadValue, EngineError


def test_the_local_engine_takes_no_options_of_a_cluster() -> None:
    assert chosen_site(EngineOption.LOCAL, None, None) == HERE
    with pytest.raises(BadValue, match=r"--address auto is for a cluster: give --engine ray too"):
        chosen_site(EngineOption.LOCAL, "auto", None)
    with pytest.raises(BadValue, match=r"--storage there is for a cluster"):
        chosen_site(EngineOption.LOCAL, None, Path("there"))


def test_without_ray_its_engine_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"needs Ray: install it with 'pip install .*\[cluster\]"):
        chosen_site(EngineOption.RAY, None, None)


def test_what_cannot_be_on_a_cluster_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    site = chosen_site(EngineOption.RAY, None, None)
    assert site == RayCluster("auto", None)
    monkeypatch.setattr("harness.engines.cluster.connection.connect", lambda address: None)
    monkeypatch.setattr("harness.engines.cluster.nodes.alive", list)
    with pytest.raises(BadValue, match="--device cuda:1 names one GPU, but Ray assigns GPUs"):
        site.device("cuda:1", 1)
    with pytest.raises(BadValue, match="--gpus 0 must be at least 1"):
        site.device("cpu", 0)
    device = site.device("auto", 1)
    assert device.torch == "cpu"
    with pytest.raises(BadValue, match="--workers 0 must be at least 1"):
        site.workers(0, device)
    with pytest.raises(EngineError, match="no node of the cluster has room for a trial on cpu"):
        site.workers(None, device)
