"""A task whose worker does not live to end it; alone, so that the worker need not import much."""

import os


def die(task: object) -> None:
    os._exit(9)
