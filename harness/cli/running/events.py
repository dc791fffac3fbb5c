"""The events of `run --json`, as docs/run-events.md describes them.

`FORMAT` grows when an event or a field changes its meaning or is removed.
"""

from __future__ import annotations

import re
from datetime import datetime

import msgspec

from harness.contract.trial import Status
from harness.plans.experiment import Role
from harness.verdicts.verdict import Outcome

FORMAT = 1


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag=_snake):
    """Something that happened in a run, and when."""

    time: datetime


class ExperimentPlan(msgspec.Struct, frozen=True, kw_only=True):
    """An experiment, as far as its plan is known before the run."""

    reproduction: str
    protocol: str
    claims: tuple[str, ...]
    seeds: int
    trials: int
    stored: int
    to_run: int
    to_come: str


class RunPlanned(Event, frozen=True, kw_only=True):
    """What the run will do: the first event."""

    format: int = FORMAT
    results_dir: str
    device: str
    workers: int
    trials: int
    stored: int
    to_run: int
    experiments: tuple[ExperimentPlan, ...]


class TrialEvent(Event, frozen=True, kw_only=True):
    """Something about a trial, which is identified by its key and its purpose."""

    key: str
    reproduction: str
    protocol: str
    role: Role
    arm: str
    seed: int
    settings: str


class TrialWaiting(TrialEvent, frozen=True, kw_only=True):
    """It cannot begin yet."""

    reason: str


class TrialStarted(TrialEvent, frozen=True, kw_only=True):
    """A worker has begun it."""


class TrialAdvanced(TrialEvent, frozen=True, kw_only=True):
    """Its progress; `seconds_left` is an upper limit at the pace so far."""

    epoch: float
    epochs: float
    error: float | None
    seconds_left: float | None


class TrialEnded(TrialEvent, frozen=True, kw_only=True):
    """Its record is in the store."""

    status: Status
    metrics: dict[str, float | None]
    seconds: float | None
    error: str
    record: str


class NoticeGiven(Event, frozen=True, kw_only=True):
    """What a person should know about the run."""

    words: str


class LookTaken(Event, frozen=True, kw_only=True):
    """An experiment was judged at a look, and continues with more seeds or not."""

    reproduction: str
    protocol: str
    seeds: int
    verdicts: dict[str, str]
    decided: bool
    next_seeds: int | None


class RunStopping(Event, frozen=True, kw_only=True):
    """Running trials are asked to save themselves and stop."""


class ClaimVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the store says about a claim."""

    claim: str
    outcome: Outcome
    qualifier: str
    reasons: tuple[str, ...]


class ExperimentEnded(Event, frozen=True, kw_only=True):
    """An experiment's state after the run."""

    reproduction: str
    protocol: str
    seeds: int
    trials: int
    stored: int
    failed: int
    to_run: int
    to_come: str
    verdicts: tuple[ClaimVerdict, ...]


AnyEvent = (
    RunPlanned
    | TrialWaiting
    | TrialStarted
    | TrialAdvanced
    | TrialEnded
    | NoticeGiven
    | LookTaken
    | RunStopping
    | ExperimentEnded
)
