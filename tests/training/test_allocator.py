from __future__ import annotations

import os
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
def test_a_large_block_is_faulted_in_once() -> None:
    """Page faults of ten uses of 64 MiB, in a process without torch, whose allocator is malloc too."""
    program = """
import ctypes, importlib.util, resource, sys
spec = importlib.util.spec_from_file_location("allocator", sys.argv[2])
allocator = importlib.util.module_from_spec(spec)
spec.loader.exec_module(allocator)
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.memset.argtypes, libc.free.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t], [ctypes.c_void_p]
if sys.argv[1] == "on":
    allocator.keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    block = libc.malloc(2**26)
    libc.memset(block, 1, 2**26)
    libc.free(block)
sys.stdout.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before))
"""
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    faults = {}
    for switch in ("on", "off"):
        command = [sys.executable, "-c", program, switch, allocator.__file__]
        faults[switch] = int(subprocess.run(command, capture_output=True, check=True, env=environment).stdout)
    assert faults["on"] * 4 < faults["off"]
