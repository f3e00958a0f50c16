"""Random numbers inside the model (dropout): a pure function of seed and step, and no trace left behind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from cifarzoo.draws import Draws


def seed_step(seed: int, step: int, *, rank: int = 0) -> None:
    """Seed torch's global generators for one step, so that a resumed run draws what the unbroken one drew."""
    torch.manual_seed(int(Draws(seed, step, torch.tensor([rank])).bits("dropout")))


@contextlib.contextmanager
def contained(device: torch.device) -> Iterator[None]:
    """Give the global generators back as they were."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield
