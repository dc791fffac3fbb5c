"""The command reference, made from the commands themselves."""

from __future__ import annotations

import re

import typer
from typer.cli import get_docs_for_click

from harness.cli.app import app

TITLE = "Commands"
NAME = "./repro.py"
COMMANDS = re.compile(
    r"^\*\*Commands\*\*:\n\n(\* .*\n)+\n", flags=re.MULTILINE
)  # the page's own contents have them


def page(application: typer.Typer = app) -> str:
    """A chapter a command, with its arguments and options."""
    command = typer.main.get_command(application)
    context = typer.Context(command, info_name=NAME)
    with context:
        text = get_docs_for_click(obj=command, ctx=context, name=NAME, title=TITLE)
    text = COMMANDS.sub("", text).replace("\n$ ", "\n")
    return re.sub(r"`[^`]*`|<", lambda found: "&lt;" if found.group() == "<" else found.group(), text)
