"""Files of a results folder: records with every verdict that rests on them, notes, looks and speeds."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from harness.contract.device import CPU
from harness.contract.errors import ReproductionFails
from harness.contract.trial import Precision
from harness.contract.visible import visible
from harness.forecast import kept_speeds
from harness.paper.catalogue import claim
from harness.plans.experiment import Experiment, gather
from harness.records.record import Record, Unreadable, decode, encode
from harness.records.store import MOST_SEEDS, Store
from harness.reporting import pages
from harness.reporting.claims.sections import of_claim
from harness.reporting.report import Report
from harness.testing.records import REAL
from harness.training.scheduled.recipe import Scheduled
from harness.verdicts import sequential
from harness.verdicts.assess import Assessments
from harness.verdicts.assessment import assess
from reproductions import named
from tests.fakes.evidence.full_store import Answers
from tests.faults.inputs.target import REFUSED, TAKEN, Read, Target, WrongVerdict, writes

EXPERIMENTS = (
    ("relu-speedup", "cifar10"),
    ("kernel-specialisation", "cifar10-converged"),
    ("feature-neighbours", "cifar10-converged"),
    ("training-time", "machine"),
    ("two-gpu-time", "two-cores"),
    ("augmentation-cost", "two-cores"),
    ("lrn-cifar", "cifar10"),
    ("ensemble", "cifar10-converged"),
    ("dropout-iterations", "cifar10-converged"),
    ("bias-init", "cifar10-early"),
)
SHOWN = 200  # one of this many accepted untrusted records goes into a whole report


class Evidence:
    """A finished experiment, and what is said about it with and without each of its records."""

    def __init__(self, folder: Path, name: str, protocol: str) -> None:
        """The records are made up; they are in no folder, except the one that is being read."""
        reproduction = named(name)
        conditions = REAL if reproduction.protocol(protocol).dataset else replace(REAL, data=None)
        self.experiment = Experiment(reproduction, reproduction.protocol(protocol), 3, conditions)
        self.folder, known = folder, dict[str, Record]()
        gather(reproduction, self.experiment.protocol, 3, Answers(self.experiment, known))
        self.records = [_with_bits(record) for record in known.values()]
        self.texts = [encode(record).encode() for record in self.records]
        self.without = cache(lambda number: self.said(self.store(number)))
        self.whole = self.said(self.store(None))

    def store(self, number: int | None, content: bytes | None = None) -> Store:
        """A store of all records but one, which is replaced by a file with this content."""
        path = self.folder / "records" / "stranger-1.json"
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        store = Store(self.folder)
        store.records.extend(record for i, record in enumerate(self.records) if i != number)
        return store

    def said(self, store: Store) -> dict[str, str]:
        """The verdicts on the experiment's claims with their reasons."""
        try:
            found = assess(self.experiment, self.experiment.evidence(store), interim=False)
        except ReproductionFails as error:  # our own estimates must handle whatever is accepted
            raise WrongVerdict(str(error)) from error
        return {name: " ".join([v.headline, *v.sentences]) for name, v in found.verdicts.items()}

    def read(self, content: bytes, number: int) -> str:
        """Judges the experiment with a record that may be altered; WrongVerdict if an unusable one counts."""
        store = self.store(number, content)
        read = store.records[0] if len(store.records) == len(self.records) else None
        said = self.said(store)
        same = read is not None and read == decode(self.texts[number])
        answers = read is not None and store.find(self.records[number].key) is read
        if not answers and said != self.without(number):
            raise WrongVerdict(f"a record that answers for nothing changed {said}")
        if same and said != self.whole:
            raise WrongVerdict(f"a record that is the same changed {said}")
        return REFUSED if read is None else TAKEN

    def shown(self, content: bytes, number: int) -> None:
        """The whole report on it; WrongVerdict if a page runs or hides anything of the record."""
        known = Assessments(self.store(number, content))
        found = [s for name in self.experiment.reproduction.claims for s in of_claim(claim(name), known)]
        for page in pages.render(Report(found, notices=known.store.damaged), self.folder / "report"):
            text = page.read_text(encoding="utf-8")
            if "<script>alert" in text or visible(text) != text:
                raise WrongVerdict(f"{page.name} holds what a record would have it run, or hide")


def _with_bits(record: Record) -> Record:
    """A training record with what it keeps about images and norms, as its program writes it."""
    if record.settings["is"] != Scheduled.__name__:
        return record
    bits = base64.b64encode(hashlib.sha256(record.key.encode()).digest()).decode()
    wrong = {"images": 256, "train_images": 256}
    wrong |= dict.fromkeys(("ten_top1", "ten_top5", "centre_top1", "train_top1"), bits)  # type: ignore[arg-type]
    return replace(record, details={"wrong": wrong, "norms": [{"load": 0.1, "factor": 0.9, "spread": 0.2}]})


def sealed(text: str) -> bytes:
    """A record's text with its matching digest, as any knowledgeable stranger can make it."""
    rest = text.partition(",")[2].encode("utf-8", "surrogatepass") if text.startswith("{") else b""
    return b'{"digest": "%s",%s' % (hashlib.sha256(rest).hexdigest()[:16].encode(), rest)


def targets(folder: Path) -> list[Target]:
    """Everything that `folder`, a results folder, may hold."""
    (folder / "records").mkdir(parents=True)
    evidence = [Evidence(folder, *names) for names in EXPERIMENTS]
    evidence[0].shown(evidence[0].texts[0], 0)  # the first report creates a folder for its fonts elsewhere
    texts = [(one, i) for one in evidence for i in range(len(one.texts))]
    seeds = [one.texts[i] for one, i in texts]
    return [
        Target("records", 580, seeds, _decoded(seeds)),
        Target("records, sealed anew", 60, seeds, _judged(texts), True, sealed),
        *_notes(folder, evidence[0].experiment),
    ]


def _decoded(seeds: Sequence[bytes]) -> Read:
    """What is read must be one of the intact records: two pieces may make another one than was damaged."""
    whole = {record.key: record for record in map(decode, seeds)}

    def read(content: bytes, number: int) -> str:
        try:
            found = decode(content)
        except (Unreadable, ValueError) as error:
            if type(error).__module__ != Unreadable.__module__:
                raise
            return REFUSED
        if found != whole.get(found.key):
            raise WrongVerdict("a damaged record was read as one that nobody wrote")
        return TAKEN

    return read


def _judged(texts: Sequence[tuple[Evidence, int]]) -> Read:
    taken = 0

    def read(content: bytes, number: int) -> str:
        nonlocal taken
        evidence, own = texts[number]
        outcome = evidence.read(content, own)
        taken += outcome is TAKEN
        if outcome is TAKEN and taken % SHOWN == 0:
            evidence.shown(content, own)
        return outcome

    return read


def _notes(folder: Path, experiment: Experiment) -> list[Target]:
    """How many seeds were requested, what was seen at looks, how fast the machine is."""
    asked = Store(folder).place(
        "asked", experiment.reproduction.name, experiment.protocol.name, experiment.conditions
    )
    asked.parent.mkdir()
    looks = Store(folder).place(
        "looks", experiment.reproduction.name, experiment.protocol.name, experiment.conditions
    )
    looks.mkdir(parents=True)
    look = {
        "reproduction": "relu-speedup", "protocol": "cifar10", "conditions": {"device": "cpu"}, "n": 3,
        "verdicts": {"relu-speedup": "directional"}, "decided": False, "records": ["a"], "time": "2026",
    }  # fmt: skip
    with_speeds = folder / "speeds"
    kept_speeds.keep(with_speeds, CPU, {Precision.FP32: 5e9, Precision.BF16: 8e9})
    speeds = (with_speeds / kept_speeds.FILE).read_bytes()

    def seeds() -> None:
        if not 0 <= experiment.asked(Store(folder)) <= MOST_SEEDS:
            raise WrongVerdict("a note asks for more seeds than there can be")

    def fast() -> None:
        if not all(1 <= speed <= 1e21 for speed in kept_speeds.kept(with_speeds, CPU).values()):
            raise WrongVerdict("a speed is none")

    def looked() -> None:
        store = Store(folder)
        sequential.in_words(sequential.taken(experiment, store))

    return [
        Target("notes of seeds asked for", 40, [b"5\n", b"10\n", b"3"], writes(asked, seeds)),
        Target("looks", 30, [json.dumps(look).encode()], writes(looks / "3-1.json", looked), True),
        Target("kept speeds", 40, [speeds], writes(with_speeds / kept_speeds.FILE, fast), True),
    ]
