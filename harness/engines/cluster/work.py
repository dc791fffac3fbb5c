"""The work on a node of the cluster: checking what it has, and running trials."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from typing import Protocol as Interface

import ray

from harness.contract.errors import HarnessError
from harness.contract.trial import Trial
from harness.engines import local
from harness.engines.cluster.suitability import Expected, check, device_for, hardware
from harness.engines.local import Place
from harness.engines.messages import Message, Named
from harness.records.keys import key_of
from harness.records.record import Record


@dataclass(frozen=True)
class Suited:
    """A node that has everything expected, and its hardware."""

    hardware: str


@dataclass(frozen=True)
class Unsuited:
    """A node that lacks something."""

    node: str
    reason: str


class Post(Interface):
    """A queue that the driver reads, in Ray's terms."""

    def put(self, item: Named, /) -> None:
        """Sends an item."""


@dataclass(frozen=True)
class Outlet:
    """Where a trial on this node sends messages to the driver."""

    key: str
    post: Post

    def send(self, message: Message, /) -> None:
        """Sends one message about the trial."""
        self.post.put((self.key, message))


def look(expected: Expected) -> Suited | Unsuited:
    """Whether this node can run such trials."""
    try:
        check(expected)
    except HarnessError as error:
        return Unsuited(this_node(), str(error))
    return Suited(hardware(device_for(expected.conditions)))


def work(trial: Trial, expected: Expected, post: Post) -> Record | Unsuited | None:
    """Runs a trial on this node, if possible; None if the trial was asked to stop."""
    stop = threading.Event()
    # Ray sends SIGINT to a running task that is cancelled: the trial must save itself first.
    signal.signal(signal.SIGINT, lambda number, frame: stop.set())
    try:
        data = check(expected)
    except HarnessError as error:
        return Unsuited(this_node(), str(error))
    device = device_for(expected.conditions)
    local.connect(Outlet(key_of(trial, expected.conditions), post), stop, device)
    return local.execute(trial, Place(device, expected.conditions, data, expected.folder))


def this_node() -> str:
    """The id of this process's Ray node; for a client, the node that acts for it."""
    return str(ray.get_runtime_context().get_node_id())
