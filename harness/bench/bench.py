"""Workloads one after another; one may reuse the measurements of another."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from harness.bench import workloads
from harness.bench.measure import measure
from harness.bench.workload import Asked, Workload, WorkloadResult
from harness.contract.progress import Tracker

# Seconds for the turns of a workload, and the rounds that should fit into them.
FULL, QUICK = (150.0, 7), (7.0, 3)
QUICK_IMAGES = 256


class Bench:
    """The request, and the results so far."""

    def __init__(self, asked: Asked, tracker: Tracker) -> None:
        """Every workload gets its own folder below that of `asked`."""
        self.asked, self.tracker = asked, tracker
        self.results: dict[str, WorkloadResult] = {}

    def result(self, name: str) -> WorkloadResult:
        """The result of that workload; HarnessError or OSError if it cannot be measured here."""
        if name not in self.results:
            self.results[name] = self._result(name, workloads.named(name))
        return self.results[name]

    def _result(self, name: str, workload: Workload) -> WorkloadResult:
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=self.asked.folder) as folder:
            precision = workload.precision or self.asked.precision
            asked = replace(self.asked, folder=Path(folder), precision=precision)
            if workload.of:
                found = replace(self.result(workload.of), workload=name, of=workload.of, title=workload.title)
            else:
                found = measure(name, workload, asked, self.tracker)
            return replace(found, projections=workload.project(asked, found))
