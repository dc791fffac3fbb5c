"""One whole call: runs a command, and handles errors and a closed or full output."""

from __future__ import annotations

import atexit
import errno
import gc
import io
import os
import signal
import sys
from collections.abc import Callable

import typer

from harness.cli.app import app
from harness.contract import plugins
from harness.contract.errors import HarnessError
from harness.contract.visible import visible


def main() -> None:
    """Runs a command; an error that the user can fix is one sentence and exit status 2.

    Ctrl-C ends it with 130 wherever the command does not handle it.
    """
    try:
        _main()
    except KeyboardInterrupt:
        sys.exit(130)


def _main() -> None:
    _replace_what_cannot_be_encoded()
    if os.environ.get("COLUMNS") == "0":  # as where a terminal's size is unknown: nothing would be printed
        del os.environ["COLUMNS"]
    gc.set_threshold(50_000, 20, 50)  # thousands of records are not garbage: collect less often
    status = _guarded(_command)
    _warn_of_plugins()
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
    gc.freeze()  # exiting collects once more, which is slow with thousands of records
    sys.exit(status)


def _command() -> str | int | None:
    try:
        app()
    except HarnessError as error:
        return _refused(str(error))
    except SystemExit as ended:
        return ended.code
    return 0


def _refused(sentence: str) -> int:
    typer.secho(f"repro: {visible(sentence)}", err=True, fg="red")
    return 2


def _warn_of_plugins() -> None:
    """Prints a sentence for each package from which the command wanted something unusable."""
    for sentence in plugins.troubles():
        typer.secho(f"repro: {visible(sentence)}", err=True, fg="yellow")


def _replace_what_cannot_be_encoded() -> None:
    """Makes a terminal without `×` or `§` show `?` instead."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in ("strict", "surrogateescape"):
        sys.stdout.reconfigure(errors="replace")


def _guarded(command: Callable[[], str | int | None]) -> str | int | None:
    """The command's exit status, unless standard output is closed (1, silently) or full (2)."""
    try:
        status = command()
        if sys.stdout is not None:
            sys.stdout.flush()
        return status
    except OSError as error:
        if not _output_is_broken():
            raise
        if error.errno == errno.EPIPE:
            return 1
        return _refused(f"standard output cannot be written: {error.strerror}")


def _output_is_broken() -> bool:
    """Whether standard output cannot take even a newline; any pending output is then dropped."""
    stream = sys.__stdout__
    if stream is None or stream is not sys.stdout:
        return False
    output = stream.fileno()
    try:
        os.write(output, b"\n")
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, output)
        os.close(nowhere)
        return True
    return False
