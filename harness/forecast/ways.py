"""A run that would say more of a claim: its command, its data, and the most that it costs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.contract.formatting import spoken
from harness.data.catalogue import DATA_SETS
from harness.paper.claims import Claim

UNWRITTEN = "declared, and has no reproduction"


@dataclass(frozen=True)
class Price:
    """The most that trials take of one device, and whether earlier records tell its speed."""

    device: str  # "core" or "GPU"
    seconds: float
    measured: bool

    @property
    def words(self) -> str:
        """`9.2 h of one core (speed assumed)`."""
        time = spoken(self.seconds) if self.seconds >= 1 else "seconds"
        return f"{time} of one {self.device} (speed {'measured' if self.measured else 'assumed'})"


@dataclass(frozen=True)
class Way:
    """A run that would say more of a claim than is said."""

    gives: str
    paper: bool  # whether it is the paper's scale
    command: str
    dataset: str | None
    trials: int
    prices: tuple[Price, ...]

    @property
    def protocol(self) -> str:
        """The protocol, with any further option of the command."""
        return self.command.partition("--protocol ")[2]

    @property
    def data(self) -> str:
        """The data set's name."""
        return DATA_SETS[self.dataset].title if self.dataset else "no data"

    @property
    def cost(self) -> str:
        """How many trials, and the most that they cost on either kind of device."""
        if not self.trials:
            return "nothing left to run"
        count = f"{self.trials} {'trial' if self.trials == 1 else 'trials'}"
        return f"{count}, at most {' or '.join(price.words for price in self.prices)}"

    @property
    def words(self) -> str:
        """The whole of it as a sentence."""
        return f"For {self.gives}: {self.command} ({self.data}; {self.cost})."


def unwritten(claim: Claim) -> str:
    """What is missing of a claim that is declared alone."""
    return f"{UNWRITTEN}; it would need {claim.needs or claim.conditions}"


def sentence(why: str, found: tuple[Way, ...]) -> str:
    """Why there is no verdict and what would give one, for a section and for `explain`."""
    written = not why.startswith(UNWRITTEN)
    lacking = "Only a smoke protocol exists." if why and written and not found else ""
    head = f"{why[:1].upper()}{why[1:]}." if why else ""
    return " ".join(part for part in (head, *(way.words for way in found), lacking) if part)


def sources(found: list[Way]) -> Iterator[str]:
    """How each data set that is needed is got."""
    for dataset in dict.fromkeys(way.dataset for way in found if way.dataset):
        known = DATA_SETS[dataset]
        yield f"{known.title}, {known.images['train']:,} training images: {known.how}"
