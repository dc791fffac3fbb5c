"""What the Ray engine alone must do: lose a node and nothing else, and run on no node that differs."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.contract.device import CPU
from harness.contract.errors import EngineError
from harness.contract.trial import Status, Trial
from harness.engines.engine import Engine
from harness.records.record import Record
from tests.engines.test_contract import HERE, on_ray
from tests.fakes.cluster import grow
from tests.fakes.running.step_by_step import Dies, Steps

pytest.importorskip("ray", minversion="2.51")
pytestmark = pytest.mark.cluster


def test_trials_of_a_lost_node_go_on_elsewhere_from_where_they_were_saved(
    cluster: Any, tmp_path: Path
) -> None:
    node = grow(cluster)
    engine = on_ray(tmp_path)
    try:
        for seed in range(3):
            engine.submit(Trial(Steps(steps=60, length=0.2), seed), HERE, None)
        saved = tmp_path / "checkpoints"
        while sum(int(path.read_text() or 0) > 1 for path in saved.glob("*.pt")) < 3:
            time.sleep(0.05)
        cluster.remove_node(node, allow_graceful=False)
        records = _all(engine)
    finally:
        engine.close()
    assert sorted(record.details["first"] > 0 for record in records) == [False, False, True]
    assert len({record.curve for record in map(_plain, records)}) == 1


def _all(engine: Engine) -> list[Record]:
    found: list[Record] = []
    while engine.pending:
        found += engine.finished()
    return found


def _plain(record: Record) -> Record:
    return replace(record, curve=tuple(tuple(row.items()) for row in record.curve))  # type: ignore[misc]


def test_a_trial_that_ends_its_worker_every_time_is_a_failed_record_of_one_sentence(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.engines.ray.RETRIES", 0)
    engine = on_ray(tmp_path)
    engine.submit(Trial(Dies(), 0), HERE, None)
    engine.submit(Trial(Steps(), 1), HERE, None)
    found = {record.status: record.error for record in _all(engine)}
    engine.close()
    assert found.keys() == {Status.FAILED, Status.OK}
    assert re.fullmatch(r"the cluster lost it 1 times \(WorkerCrashedError\); see .*", found[Status.FAILED])


def test_nothing_runs_on_nodes_that_differ(cluster: Any, tmp_path: Path) -> None:
    engine = on_ray(tmp_path)
    with pytest.raises(EngineError, match="no node of the cluster can run these trials: it has torch 2"):
        engine.submit(Trial(Steps(), 0), replace(HERE, torch="1.0"), None)
    assert [engine.messages.get()[1].words.startswith("node ") for _ in range(2)] == [True, True]
    engine.close()


def test_a_trial_asks_for_a_core_and_one_that_must_be_alone_for_a_whole_node(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from harness.contract.device import CUDA
    from harness.engines.cluster import nodes
    from harness.engines.cluster.nodes import TIMING, Node, Nodes

    first, second = "a" * 56, "b" * 56
    there = [
        Node(first, "one", {"CPU": 8, "GPU": 2}),
        Node(second, "two", {"CPU": 4, "GPU": 4, TIMING: 1}),
    ]
    monkeypatch.setattr(nodes, "alive", lambda: there)
    told: list[str] = []
    on_gpu, on_two = (Nodes(replace(CUDA, count=count), told.append) for count in (1, 2))
    assert Nodes(CPU, told.append).options(alone=False) == {"num_cpus": 1, "num_gpus": 0}
    assert on_gpu.options(alone=False) == {"num_cpus": 1, "num_gpus": 0.25}
    assert on_two.options(alone=False) == {"num_cpus": 2, "num_gpus": 2}
    assert [node.room(CPU) for node in there] == [8, 4]
    assert [node.room(CUDA) for node in there] == [8, 4]
    assert [node.room(replace(CUDA, count=2)) for node in there] == [1, 2]
    whole = on_gpu.options(alone=True)
    assert (whole["num_cpus"], whole["num_gpus"], whole["resources"]) == (4, 4, {TIMING: 1})
    assert whole["scheduling_strategy"].node_id == second
    on_gpu.leave_out(nodes.Unsuited(second, "its code differs"))
    assert told == ["node two (bbbbbbbb) is left out: its code differs"]
    assert on_gpu.options(alone=True)["scheduling_strategy"].node_id == first
    assert on_gpu.options(alone=False)["label_selector"] == {"ray.io/node-id": f"!in({second})"}


def test_hardware_is_not_agreed_on_before_a_node_has_answered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On a cluster whose GPUs are all taken none answers; later trials must not run on any model."""
    from harness.contract.device import CUDA
    from harness.engines.cluster import nodes
    from harness.engines.cluster.nodes import Node, Nodes
    from harness.engines.cluster.suitability import Expected

    there = [Node("a" * 56, "one", {"CPU": 8, "GPU": 2}), Node("b" * 56, "two", {"CPU": 8, "GPU": 2})]
    monkeypatch.setattr(nodes, "alive", lambda: there)
    answers = iter(([], [(there[0], "H100"), (there[1], "V100")]))
    monkeypatch.setattr(Nodes, "_look", lambda self, expected: iter(next(answers)))
    told: list[str] = []
    cluster, expected = Nodes(CUDA, told.append), Expected("source", "", HERE, None, tmp_path)
    assert cluster.agree(expected).hardware is None
    assert cluster.agree(expected).hardware == "H100"
    assert cluster.agree(expected).hardware == "H100"  # without another look
    assert len(told) == 1
    assert "only nodes with H100 take part" in told[0]
