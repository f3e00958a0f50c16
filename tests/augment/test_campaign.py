"""Batch size, order, ranks, prefetching and the point of resuming change no pixel: a thousand random configurations."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from augment_pictures import pictures

from cifarzoo import augment
from cifarzoo.data import Loader
from cifarzoo.draws import Draws

PRESETS = [name for name in augment.list_presets() if name != "none"]


def data_set(count: int, size: int) -> SimpleNamespace:
    """Random pictures whose targets are their own indices."""
    return SimpleNamespace(
        images=pictures(count, count, 3, size, size),
        targets=torch.arange(count),
        classes=[str(index) for index in range(count)],
        mean=(0.4, 0.5, 0.6),
        std=(0.2, 0.25, 0.3),
    )


def differences(config: random.Random) -> int:
    """Values that differ between what loaders hand out and the pipeline's result for the whole set at once."""
    size, seed, epoch = config.choice((32, 16, 11)), config.randrange(99), config.randrange(9)
    dataset = data_set(config.randrange(2, 70), size)
    count = len(dataset.targets)
    pipeline = augment.create(config.choice(PRESETS), size)
    layout = config.choice((torch.contiguous_format, torch.channels_last))
    draws = Draws(seed, epoch, torch.arange(count))
    wanted = pipeline.finish(dataset.images, mean=dataset.mean, std=dataset.std, draws=draws)
    world_size, batch_size, cut = config.randrange(1, 4), config.randrange(1, 40), config.randrange(count)
    seen, wrong = torch.zeros(count, dtype=torch.int64), 0
    shuffle = config.random() < 0.7
    for rank in range(world_size):
        options = {"shuffle": shuffle, "drop_last": False, "seed": seed, "memory_format": layout}
        loader = Loader(dataset, batch_size, augment=pipeline, rank=rank, world_size=world_size, **options)
        loader.load_state_dict({"seed": seed, "epoch": epoch, "position": cut, "images": count})
        for images, indices in loader:
            wrong += int((images != wanted[indices]).sum())
            seen[indices] += 1
    assert seen.max() == 1
    assert seen.sum() == count - cut
    return wrong


@pytest.mark.parametrize("start", range(3))
def test_some_configurations(start: int) -> None:
    assert sum(differences(random.Random(f"{start} {step}")) for step in range(10)) == 0


@pytest.mark.campaign
@pytest.mark.parametrize("start", range(10))
def test_a_thousand_configurations(start: int, record: Callable[..., None]) -> None:
    assert sum(differences(random.Random(f"campaign {start} {step}")) for step in range(100)) == 0
    record(configurations=100, differences=0)
