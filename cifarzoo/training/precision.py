"""Which arithmetic a run uses, decided by what the processor computes natively."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import torch

from cifarzoo.errors import SettingError


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """The processor's feature flags as Linux lists them; empty where they cannot be read."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    values = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(values, "").split())


def cpu_has_bf16(flags: frozenset[str] | None = None) -> bool:
    """Whether the CPU multiplies bf16 natively (AVX512_BF16 or AMX).

    Without them torch falls back to reference code for bf16 convolutions, 10 to 50 times slower than fp32, so "bf16
    works here" is not the question to ask.

    Args:
        flags: feature flags to judge by; those of this machine by default.
    """
    return bool({"avx512_bf16", "amx_bf16"} & (cpu_flags() if flags is None else flags))


def choose_precision(precision: str, device: torch.device | str) -> str:
    """``fp32`` or ``bf16`` for a device, from ``auto``, ``fp32`` or ``bf16``.

    Raises:
        SettingError: any other precision.
    """
    if precision not in ("auto", "fp32", "bf16"):
        raise SettingError(f"precision (={precision!r}) must be one of: auto, fp32, bf16")
    if precision != "auto":
        return precision
    kind = torch.device(device).type
    native = cpu_has_bf16() if kind == "cpu" else kind == "cuda" and torch.cuda.is_bf16_supported(False)
    return "bf16" if native else "fp32"


def autocast(precision: str, device: torch.device | str) -> torch.autocast:
    """The context for forward passes: bf16 autocast, or one that does nothing for fp32."""
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bf16")


@contextlib.contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat numbers below the normal range as 0: they slow a CPU down a hundredfold and change nothing."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
