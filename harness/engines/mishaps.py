"""Outside causes that end a trial, in one sentence: a full disk, too little memory, a killed process."""

from __future__ import annotations

import errno
import signal

DISK = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO
}  # fmt: skip
AGAIN = "run the same command again: it resumes from the last checkpoint"
MEMORY = ("out of memory", "can't allocate memory", "not enough memory")  # torch has no class for it on a CPU


def of_an_error(error: Exception) -> str:
    """The sentence for an error; empty if the machine did not cause it."""
    if isinstance(error, OSError) and error.errno in DISK:
        return f"{error.filename or 'a file'}: {error.strerror}; fix that and {AGAIN}"
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in MEMORY):
        first = str(error).strip().partition("\n")[0] or "no memory is left"
        return f"out of memory ({first}); {AGAIN}, with fewer --workers"
    return ""


def of_a_death(code: int | None) -> str:
    """The sentence for a worker process that ended while its trial ran."""
    how = (
        f"exit status {code}" if code is None or code >= 0 else f"signal {-code} ({signal.strsignal(-code)})"
    )
    cause = ", which the system sends when memory runs out" if code == -signal.SIGKILL else ""
    return f"its worker process ended with {how}{cause}; {AGAIN}, with fewer --workers if memory is short"


def of_a_loss(times: int, how: str) -> str:
    """The sentence for a trial that a cluster's nodes lost at every attempt."""
    return f"the cluster lost it {times} times ({how}); see 'ray status', and {AGAIN}"
