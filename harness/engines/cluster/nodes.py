"""The cluster's nodes: which are suitable, how many trials they take, and what a trial requires."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from harness.contract.device import Device, DeviceKind
from harness.contract.errors import EngineError
from harness.engines.cluster.suitability import Expected
from harness.engines.cluster.work import Suited, Unsuited, look
from harness.engines.machine.gpus import PER_GPU

TIMING = "timing"  # the custom resource of nodes reserved for exclusive trials, if any
PATIENCE = 120.0  # seconds for a node to answer; a busy node is checked by its first trial
AGAIN = 5.0  # seconds, if it did not answer before
TRACE = 0.01  # share of a GPU: enough for Ray to show it to a task
SEVERAL = "only nodes with {} take part, since runs on different hardware are not compared"


@dataclass(frozen=True)
class Node:
    """A live node."""

    id: str
    host: str
    resources: Mapping[str, float]

    @property
    def cores(self) -> int:
        """Cores, as declared to Ray."""
        return int(self.resources.get("CPU", 0))

    @property
    def gpus(self) -> int:
        """GPUs, as declared to Ray."""
        return int(self.resources.get("GPU", 0))

    def room(self, device: Device) -> int:
        """How many trials on such a device it runs in parallel."""
        if not device.cuda:
            return self.cores // device.count
        return min(self.cores, self.gpus * PER_GPU if device.count == 1 else self.gpus) // device.count

    def __str__(self) -> str:
        return f"node {self.host} ({self.id[:8]})"


def alive() -> list[Node]:
    """Every live node."""
    known: Callable[[], list[dict[str, Any]]] = ray.nodes
    return [
        Node(node["NodeID"], node["NodeManagerHostname"], node["Resources"])
        for node in known()
        if node["Alive"]
    ]


def best_kind() -> DeviceKind:
    """GPUs if any node has one."""
    return DeviceKind.CUDA if any(node.gpus for node in alive()) else DeviceKind.CPU


def pinned(node: str) -> NodeAffinitySchedulingStrategy:
    """A strategy to run on this node or not at all."""
    return NodeAffinitySchedulingStrategy(node, soft=False)


class Nodes:
    """The cluster as seen by trials on one kind of device."""

    def __init__(self, device: Device, tell: Callable[[str], None]) -> None:
        """`tell` is called with a sentence for every node that is left out."""
        self.device, self.tell = device, tell
        self.unsuited: dict[str, str] = {}
        self.agreed: dict[Expected, Expected] = {}
        self.hardware: str | None = None
        self.for_timing: str | None = None
        self.patience = PATIENCE

    def suited(self) -> list[Node]:
        """The live nodes that can run trials, as far as is known."""
        return [node for node in alive() if node.room(self.device) and node.id not in self.unsuited]

    def agree(self, expected: Expected) -> Expected:
        """Adds the hardware that most nodes have, after checking each of them.

        EngineError if no node has what is expected.
        """
        if expected not in self.agreed:
            found = {node.id: hardware for node, hardware in self._look(expected)}
            self.hardware = self.hardware or _most_common(found.values())
            for node, seen in found.items():
                if seen != self.hardware:
                    self.leave_out(Unsuited(node, SEVERAL.format(self.hardware)))
            self.check()
            if self.hardware is None:  # all are busy, so none answered: the next trial asks again
                return expected
            self.agreed[expected] = replace(expected, hardware=self.hardware)
        return self.agreed[expected]

    def leave_out(self, unsuited: Unsuited) -> None:
        """Gives this node no further trials."""
        if unsuited.node not in self.unsuited:
            self.unsuited[unsuited.node] = unsuited.reason
            name = next((str(node) for node in alive() if node.id == unsuited.node), unsuited.node[:8])
            self.tell(f"{name} is left out: {unsuited.reason}")

    def check(self) -> None:
        """EngineError, with the reasons, if no node is left."""
        if not self.suited():
            why = "; ".join(dict.fromkeys(self.unsuited.values())) or f"none has room for {self.device}"
            raise EngineError(f"no node of the cluster can run these trials: {why}")

    def options(self, alone: bool) -> dict[str, Any]:
        """The resources of a trial, as Ray's options."""
        if alone:
            return _all_of(self._quiet())
        share = self.device.count if self.device.count > 1 else 1 / PER_GPU
        resources: dict[str, Any] = {
            "num_cpus": self.device.count,
            "num_gpus": share if self.device.cuda else 0,
        }
        if self.unsuited:
            resources["label_selector"] = {"ray.io/node-id": f"!in({','.join(self.unsuited)})"}
        return resources

    def _quiet(self) -> Node:
        """The one node for all exclusive trials, for comparability, as long as it is alive."""
        self.check()
        found = sorted(
            self.suited(), key=lambda node: (node.id != self.for_timing, TIMING not in node.resources)
        )
        self.for_timing = found[0].id
        return found[0]

    def _look(self, expected: Expected) -> Iterator[tuple[Node, str]]:
        """The hardware of every node that has what is expected; the other nodes are left out."""
        some = {"num_gpus": TRACE if self.device.cuda else 0, "num_cpus": 0, "max_retries": 0}
        task = ray.remote(look)
        asked = {
            task.options(scheduling_strategy=pinned(node.id), **some).remote(expected): node
            for node in self.suited()
        }
        patience, self.patience = self.patience, AGAIN
        answered, _ = ray.wait(list(asked), num_returns=len(asked), timeout=patience) if asked else ([], [])
        for ref in answered:
            found = _answer(ref, asked[ref])
            if isinstance(found, Unsuited):
                self.leave_out(found)
            else:
                yield asked[ref], found.hardware


def _answer(ref: Any, node: Node) -> Suited | Unsuited:
    try:
        found: Suited | Unsuited = ray.get(ref)
    except RayError as error:
        last = str(error).strip().splitlines()[-1]
        return Unsuited(node.id, f"this program does not start there ({last}): install it on every node")
    return found


def _all_of(node: Node) -> dict[str, Any]:
    """Every core and GPU of the node, so that no other Ray task runs beside it."""
    return {
        "num_cpus": node.cores,
        "num_gpus": node.gpus,
        "resources": {TIMING: 1} if TIMING in node.resources else {},
        "scheduling_strategy": pinned(node.id),
    }


def _most_common(names: Any) -> str | None:
    counted = Counter(names).most_common(1)
    return counted[0][0] if counted else None
