"""Random numbers of a step (dropout, windows): a pure function of seed and step, and no trace left behind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor

from cifarzoo.draws import Draws


def seed_step(seed: int, step: int, *, rank: int = 0) -> None:
    """Seed torch's global generators for one step, so that a resumed run draws what the unbroken one drew."""
    torch.manual_seed(int(Draws(seed, step, torch.tensor([rank])).bits("dropout")))


def step_draws(seed: int, step: int, images: Tensor, rank: int) -> Draws:
    """Draws for one step's images, by their place in the whole batch: the same for any number of processes."""
    places = torch.arange(rank * len(images), (rank + 1) * len(images), device=images.device)
    return Draws(seed, step, places)


@contextlib.contextmanager
def contained(device: torch.device) -> Iterator[None]:
    """Give the global generators back as they were."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield
