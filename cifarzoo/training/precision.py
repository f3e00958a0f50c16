"""Which arithmetic a run uses, decided by what the processor computes natively."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch

from cifarzoo.errors import SettingError
from cifarzoo.processor import cpu_features
from cifarzoo.threads import renew_workers


def cpu_has_fast_bf16(features: frozenset[str] | None = None) -> bool:
    """Whether bf16 convolutions are faster than fp32 ones on the CPU.

    "bf16 works here" is not the question to ask. Without AVX512_BF16 or AMX torch falls back to reference code, 10 to
    50 times slower than fp32. With AVX512_BF16 alone it depends on the maker: AMD's cores (Zen 4) take twice the
    numbers a cycle and are about twice as fast as in fp32; Intel's (Sapphire Rapids with AMX switched off) take half
    as many dot products a cycle and were measured at 0.6 of fp32.

    Args:
        features: vendor and flags to judge by; those of this machine by default.
    """
    features = cpu_features() if features is None else features
    return "amx_bf16" in features or {"AuthenticAMD", "avx512_bf16"} <= features


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
    native = cpu_has_fast_bf16() if kind == "cpu" else kind == "cuda" and torch.cuda.is_bf16_supported(False)
    return "bf16" if native else "fp32"


def autocast(precision: str, device: torch.device | str) -> torch.autocast:
    """The context for forward passes: bf16 autocast, or one that does nothing for fp32."""
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=precision == "bf16")


@contextlib.contextmanager
def flushed_denormals() -> Iterator[None]:
    """Treat numbers below the normal range as 0: they slow a CPU down a hundredfold and change nothing."""
    for kind in (np.float32, np.float64):  # NumPy looks for the smallest number once, and warns if it is 0 then
        np.finfo(kind)
    flushed_before = (torch.tensor([2e-38]) * 0.25).item() == 0  # torch tells nobody what is set
    _set_flush(True)
    try:
        yield
    finally:
        _set_flush(flushed_before)


def _set_flush(flush: bool) -> None:
    """Set the mode of this thread and of those that compute with it."""
    torch.set_flush_denormal(flush)
    renew_workers()
