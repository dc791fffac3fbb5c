#!/usr/bin/env python3
"""Entry point of the command line: finds the environment, then hands over to `harness.cli`."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

PYTHON = Path(__file__).resolve().parent / ".venv" / "bin" / "python"
if importlib.util.find_spec("typer") is None and PYTHON.exists():
    # Started with the system's Python: switch to the environment that `make environment` built.
    os.execv(PYTHON, [str(PYTHON), *sys.argv])

try:
    from harness.cli.app import app  # typer is only certain to be found here
    from harness.cli.main import main
except KeyboardInterrupt:  # before anything has begun
    sys.exit(130)

__all__ = ["app", "main"]

if __name__ == "__main__":
    main()
