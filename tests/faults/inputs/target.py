"""What is fuzzed: intact files, and what the program does with a damaged one."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.contract.errors import HarnessError
from tests.faults.inputs.mutations import harmed, reshaped

TAKEN, REFUSED = "taken", "refused"


class WrongVerdict(Exception):
    """The program accepted what it should have refused, or says something other than without it."""


class Evil:
    """What a pickle may ask for: a function that is called when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (f"{self.folder}-ran",)


Read = Callable[[bytes, int], str]  # an input and the number of its seed file: TAKEN or REFUSED


@dataclass(frozen=True)
class Target:
    """A kind of file: `seeds` are intact ones, `read` makes the program read a damaged one."""

    name: str
    share: int  # of a thousand inputs
    seeds: Sequence[bytes]
    read: Read
    json: bool = False  # damaged in its shape as well
    seal: Callable[[str], bytes] = lambda text: text.encode("utf-8", "surrogatepass")
    expected: tuple[type[Exception], ...] = field(default=())  # besides the project's own errors

    def damaged(self, chance: random.Random) -> tuple[bytes, int]:
        """An input, and the number of the seed that it came from."""
        number = chance.randrange(len(self.seeds))
        seed = self.seeds[number]
        if self.json and chance.random() < 0.7:
            return self.seal(reshaped(seed.decode(), chance)), number
        return harmed(seed, chance.choice(self.seeds), chance), number

    def outcome(self, content: bytes, number: int) -> str:
        """TAKEN or REFUSED; anything else that the program raises is raised, even errors of several lines."""
        try:
            return self.read(content, number)
        except HarnessError as error:
            if "\n" in str(error).strip() or not str(error):
                raise WrongVerdict(f"an error that is no one sentence: {error!r:.200}") from None
            return REFUSED
        except self.expected:
            return REFUSED


def writes(path: Path, then: Callable[[], object]) -> Read:
    """Writes the input to a path and makes the program read it; whatever `then` returns, it was accepted."""

    def read(content: bytes, number: int) -> str:
        path.write_bytes(content)
        then()
        return TAKEN

    return read
