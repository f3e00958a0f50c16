"""How many threads are worth starting."""

from __future__ import annotations

import os

_MOST = 8  # more would wait for each other at the interpreter's lock


def usable_cores() -> int:
    """The processors that this process may use, at most ``_MOST``."""
    if hasattr(os, "sched_getaffinity"):  # a container or a batch system may give fewer than the machine has
        return min(len(os.sched_getaffinity(0)), _MOST)
    return min(os.cpu_count() or 1, _MOST)
