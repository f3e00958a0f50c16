"""Rates of several ways to do one thing, measured in turn so that a noisy machine disturbs all of them alike."""

from __future__ import annotations

import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median
from subprocess import PIPE, Popen
from typing import IO, Any, TypeVar, cast

import torch

from cifarzoo.training.environment import hardware_name

Result = TypeVar("Result")


@dataclass(frozen=True)
class Rates:
    """What each contestant did in a second (images, steps), one number a round."""

    of: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        """The contestant's median."""
        return median(self.of[name])

    def ratio(self, name: str, other: str) -> float:
        """How many times faster than another: the median over the rounds, each compared within itself."""
        return median(mine / others for mine, others in zip(self.of[name], self.of[other], strict=True))

    def as_json(self) -> dict[str, Any]:
        """Medians and every round, fastest first."""
        names = sorted(self.of, key=self.median, reverse=True)
        return {
            name: {"median": round(self.median(name)), "rounds": [round(x) for x in self.of[name]]} for name in names
        }


def race(contestants: Mapping[str, Callable[[], int]], *, rounds: int) -> Rates:
    """Let each contestant run once a round, forwards and backwards in turn.

    Args:
        contestants: each handles some images, or makes some steps, and returns how many.
        rounds: at least 5 for figures to keep; one more goes before, unmeasured.
    """
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(rounds + 1):
        for name in in_turn(contestants, round_):
            measured = rate(contestants[name])
            if round_:
                rates[name].append(measured)
    return Rates(rates)


def in_turn(names: Iterable[str], round_: int) -> list[str]:
    """The order of a round: every second one goes the other way."""
    return list(names)[:: -1 if round_ % 2 else 1]


def rate(run: Callable[[], int]) -> float:
    """What one run did in a second; it returns how much that was."""
    began = time.perf_counter()
    return run() / (time.perf_counter() - began)


def alone(run: Callable[..., Result], *arguments: Any) -> Result:
    """Run in a fresh process: what the allocator and threads were told before is forgotten."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        return executor.submit(run, *arguments).result()


def peak_mb(device: str = "cpu") -> float:
    """The most memory that this process has had, of the GPU if it is one, in MB."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device) / 1e6
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3  # kB on Linux


def beside_neighbours(run: Callable[[], int], *, rounds: int) -> float:
    """The share of its rate that is left while as many processes as there are cores compute without a pause."""
    shares = []
    for _ in range(rounds):
        alone = rate(run)
        with _neighbours():
            shares.append(rate(run) / alone)
    return median(shares)


@contextmanager
def _neighbours() -> Iterator[None]:
    code = "print(flush=True)\nwhile True: pass"
    processes = [Popen([sys.executable, "-c", code], stdout=PIPE) for _ in range(os.cpu_count() or 1)]
    try:
        for process in processes:
            cast(IO[bytes], process.stdout).readline()
        yield
    finally:
        for process in processes:
            with process:
                process.kill()


def environment(*packages: str) -> dict[str, Any]:
    """The machine and the versions, as JSON values."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "hardware": hardware_name(torch.device("cpu")),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": platform.platform(),
        "omp_wait_policy": os.environ.get("OMP_WAIT_POLICY"),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("cifarzoo", "torch", "numpy", *packages)},
        },
    }
