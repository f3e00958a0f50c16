from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from cifarzoo.training import allocator

GLIBC = platform.libc_ver()[0] == "glibc"


def test_in_force_on_glibc_only(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[None] = []
    monkeypatch.setattr(allocator, "_set_mallopt", lambda: calls.append(None) or True)
    monkeypatch.delenv("LD_PRELOAD", raising=False)
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    assert allocator.keep_freed_memory() is True
    for libc in ("", "musl"):
        monkeypatch.setattr(platform, "libc_ver", lambda libc=libc: (libc, ""))
        assert allocator.keep_freed_memory() is False
    assert len(calls) == 1


@pytest.mark.parametrize("library", ["libjemalloc.so.2", "/usr/lib/libtcmalloc_minimal.so"])
def test_a_preloaded_allocator_is_left_alone(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "_set_mallopt", lambda: pytest.fail("must not be called"))
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setenv("LD_PRELOAD", library)
    assert allocator.keep_freed_memory() is False


@pytest.mark.skipif(not GLIBC, reason="the setting is glibc's")
def test_a_large_tensor_is_faulted_in_once() -> None:
    """Page faults of ten uses of a 64 MiB tensor: one use's without returning memory, ten uses' otherwise."""
    program = """
import resource, sys, torch
from cifarzoo.training.allocator import keep_freed_memory
if sys.argv[1] == "on":
    keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(16 * 2**20)
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before))
"""
    faults = {
        switch: int(subprocess.run([sys.executable, "-c", program, switch], capture_output=True, check=True).stdout)
        for switch in ("on", "off")
    }
    assert faults["on"] * 4 < faults["off"]
