"""The classes of a development kit's `meta.mat` by number, read in a separate process.

Damaged files can crash SciPy's reader of MATLAB files. This file is also that process's program: bytes in,
JSON out, and no more memory than a table needs.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from functools import lru_cache

MEMORY = 4 << 30  # bytes, most of them for the libraries' own code
SECONDS = 120


class NoTable(ValueError):
    """A file that is not a table of classes."""


@lru_cache(maxsize=4)
def numbers(content: bytes) -> tuple[tuple[str, str], ...]:
    """Every leaf class's number and WordNet id; NoTable if none can be read."""
    command = [sys.executable, "-I", __file__]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NoTable("reading it takes too long") from None
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise NoTable(lines[-1] if lines and done.returncode > 0 else "it crashes its reader")
    return tuple((str(number), str(name)) for number, name in json.loads(done.stdout))


def _main() -> None:
    import resource

    from scipy.io import loadmat

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    synsets = loadmat(io.BytesIO(sys.stdin.buffer.read()), squeeze_me=True)["synsets"]
    number = next(name for name in synsets.dtype.names if name.endswith("_ID"))
    leaves = synsets[synsets["num_children"] == 0]
    json.dump([(str(int(leaf[number])), str(leaf["WNID"])) for leaf in leaves], sys.stdout)


if __name__ == "__main__":
    _main()
