"""What the processor can do."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def cpu_features() -> frozenset[str]:
    """The processor's vendor and feature flags as Linux lists them; empty where they cannot be read."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    keys = ("vendor_id", "flags", "Features")
    first = {line.split(":")[0].strip(): line.partition(":")[2] for line in reversed(lines) if line.startswith(keys)}
    return frozenset(" ".join(first.values()).split())
