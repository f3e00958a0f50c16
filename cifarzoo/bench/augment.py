"""Augmentation against other ways to the same, on the real sets: rates, ratios, and its part of a training step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cifarzoo import augment
from cifarzoo.augment import Pipeline
from cifarzoo.bench import augment_peers, data_peers
from cifarzoo.bench.contest import Rates, environment, race
from cifarzoo.data import CIFAR10, Dataset, Loader, TinyImageNet, subset

_HAS_KORNIA = find_spec("kornia") is not None  # it comes with the extra `bench`
_OURS = "cifarzoo"
_KORNIA, _TORCHVISION, _AIRBENCH = "kornia", "torchvision v2 + DataLoader(2)", "airbench's method"


def bench_augment(
    *,
    tiny_imagenet: Path | str | None = None,
    cifar10: Path | str | None = None,
    presets: Sequence[str] = augment_peers.PRESETS,
    batch_size: int = 512,
    images: int = 16_384,
    rounds: int = 5,
) -> dict[str, Any]:
    """Measure on one or both sets, on as many threads as torch may use.

    Args:
        tiny_imagenet: the folder that holds the official zip.
        cifar10: the folder that holds CIFAR-10.
        presets: which ones; those without peers run alone.
        batch_size: images in a batch.
        images: of the set, in memory as uint8; a pass through them is one measurement.
        rounds: how often each contestant runs.

    Returns:
        A record of JSON values: rates in images a second, ratios within the run, environment.
    """
    record: dict[str, Any] = {
        "kind": "augmentation benchmark",
        "batch_size": batch_size,
        "images": images,
        "rounds": rounds,
        "environment": environment("torchvision", "Pillow", *(["kornia"] if _HAS_KORNIA else [])),
    }
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if tiny_imagenet is not None:
            files = data_peers.unpack_some(Path(tiny_imagenet), folder / "files", each=max(1, images // 800))
            record["tiny_imagenet"] = _contests(
                _part(TinyImageNet(Path(tiny_imagenet), "train", cache=folder), images),
                files,
                presets,
                batch_size,
                rounds,
            )
        if cifar10 is not None:
            dataset = _part(CIFAR10(Path(cifar10), "train", cache=folder), images)
            arrays = list(dataset.images[: images // 2].permute(0, 2, 3, 1).contiguous().numpy())  # (H, W, 3) each
            record["cifar10"] = _contests(dataset, arrays, presets, batch_size, rounds)
    return record


def _part(dataset: Dataset, count: int) -> Dataset:
    """Some images, in memory of their own."""
    rows = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(0))[:count]
    part = subset(dataset, rows.tolist())
    part.images = part.images.clone()
    return part


def _contests(
    dataset: Dataset, pictures: Sequence[Any], presets: Sequence[str], batch_size: int, rounds: int
) -> dict[str, Any]:
    step = _step_rate(dataset.images.shape[-1], min(128, batch_size), rounds)
    return {"training_step_images_per_s": round(step)} | {
        preset: _contest(preset, dataset, pictures, batch_size, rounds, step) for preset in presets
    }


def _contest(
    preset: str, dataset: Dataset, pictures: Sequence[Any], batch_size: int, rounds: int, step: float
) -> dict[str, Any]:
    """One preset: both forms of ours, bf16, and the peers that have something like it."""
    pipeline = augment.create(preset, dataset.images.shape[-1])
    contestants: dict[str, Callable[[], int]] = {
        _OURS: _finished(pipeline, dataset, batch_size),
        f"{_OURS}, bfloat16": _finished(pipeline, dataset, batch_size, dtype=torch.bfloat16),
        f"{_OURS}, channels_last": _finished(pipeline, dataset, batch_size, memory_format=torch.channels_last),
        f"{_OURS}, Loader": _loaded(pipeline, dataset, batch_size),
        f"{_OURS}, pixels only": _pixels(pipeline, dataset, batch_size),
        "bound: read bytes, write floats": _bound(dataset, batch_size),
    }
    if preset in augment_peers.PRESETS:
        reach = augment_peers.reach_px(pipeline)
        peer = partial(augment_peers.torchvision_loader, preset, reach, pictures, dataset)
        contestants[_TORCHVISION] = peer(min(batch_size, len(pictures)))
        if _HAS_KORNIA:
            contestants[_KORNIA] = augment_peers.kornia_batches(preset, reach, dataset, batch_size)
    if preset in ("baseline", "airbench"):
        contestants[_AIRBENCH] = augment_peers.airbench_epoch(preset, reach, dataset, batch_size)
    rates = race(contestants, rounds=rounds)
    return {
        "operations": [repr(op) for op in pipeline.ops],
        "images_per_s": rates.as_json(),
        "times_faster_than": {name: round(rates.ratio(_OURS, name), 2) for name in rates.of if name != _OURS},
        "share_of_a_training_step": round(_share(rates, step), 4),
    }


def _share(rates: Rates, step: float) -> float:
    """Augmentation's part of the time of augmenting and training."""
    seconds, step_s = 1 / rates.median(_OURS), 1 / step
    return seconds / (seconds + step_s)


def _finished(pipeline: Pipeline, dataset: Dataset, batch_size: int, **how: Any) -> Callable[[], int]:
    """Uint8 batches to normalised ones."""

    def run() -> int:
        for batch in _whole_batches(dataset, batch_size):
            pipeline.finish(batch, mean=dataset.mean, std=dataset.std, **how)
        return len(dataset) // batch_size * batch_size

    return run


def _pixels(pipeline: Pipeline, dataset: Dataset, batch_size: int) -> Callable[[], int]:
    """Uint8 to uint8."""

    def run() -> int:
        for batch in _whole_batches(dataset, batch_size):
            pipeline(batch)
        return len(dataset) // batch_size * batch_size

    return run


def _loaded(pipeline: Pipeline, dataset: Dataset, batch_size: int) -> Callable[[], int]:
    """Normalised batches from the loader, which computes on one thread beside the training."""
    loader = Loader(dataset, batch_size, augment=pipeline, memory_format=torch.contiguous_format)
    return lambda: sum(len(targets) for _, targets in loader)


def _bound(dataset: Dataset, batch_size: int) -> Callable[[], int]:
    """What memory allows: every byte read once, every float written once into memory that is there."""
    out = torch.empty(batch_size, *dataset.images.shape[1:])

    def run() -> int:
        for batch in _whole_batches(dataset, batch_size):
            out.copy_(batch)
        return len(dataset) // batch_size * batch_size

    return run


def _whole_batches(dataset: Dataset, batch_size: int) -> list[torch.Tensor]:
    count = len(dataset) // batch_size * batch_size
    return list(dataset.images[:count].split(batch_size))  # type: ignore[no-untyped-call]


def _step_rate(size: int, batch_size: int, rounds: int) -> float:
    """Images a second of forward and backward of a network of 0.7 GFLOP an image at 32x32, 2.8 at 64x64."""
    widths = ((3, 64), (64, 128), (128, 128), (128, 256), (256, 256))
    blocks = [
        nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2) if pool else nn.Identity())
        for (before, after), pool in zip(widths, (True, False, True, False, True), strict=True)
    ]
    model = nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(256, 10))
    model = model.to(memory_format=torch.channels_last)
    images = torch.randn(batch_size, 3, size, size).contiguous(memory_format=torch.channels_last)

    def run() -> int:
        model.zero_grad()
        model(images).square().mean().backward()
        return len(images)

    return race({"step": run}, rounds=rounds).median("step")
