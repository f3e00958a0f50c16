"""The loader against other ways to normalised batches, on the real sets: rates, a busy neighbour, memory, opening."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import torch

from cifarzoo.bench import data_peers
from cifarzoo.bench.contest import Rates, beside_neighbours, environment, race
from cifarzoo.data import CIFAR10, Dataset, Loader, TinyImageNet, subset

_LOADER = "cifarzoo"


def bench_data(
    *,
    tiny_imagenet: Path | str | None = None,
    cifar10: Path | str | None = None,
    batch_size: int = 512,
    rounds: int = 5,
) -> dict[str, Any]:
    """Measure on one or both sets.

    Args:
        tiny_imagenet: the folder that holds the official zip.
        cifar10: the folder that holds CIFAR-10.
        batch_size: images in a batch.
        rounds: how often each contestant runs.

    Returns:
        A record of JSON values: rates in images a second, ratios within the run, environment.
    """
    record: dict[str, Any] = {
        "kind": "data benchmark",
        "batch_size": batch_size,
        "rounds": rounds,
        "environment": environment("torchvision", "datasets", "Pillow"),
    }
    if tiny_imagenet is not None:
        record["tiny_imagenet"] = _tiny_imagenet(Path(tiny_imagenet), batch_size, rounds)
    if cifar10 is not None:
        record["cifar10"] = _cifar10(Path(cifar10), batch_size, rounds)
    return record


def _tiny_imagenet(root: Path, batch_size: int, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        first_s, dataset = _timed(lambda: TinyImageNet(root, "train", cache=Path(scratch)))
        second_s = min(_timed(lambda: TinyImageNet(root, "train", cache=Path(scratch)))[0] for _ in range(rounds))
        files = Path(scratch) / "files"
        encoded = data_peers.unpack_some(root, files, each=40)
        peers = {
            "ImageFolder + DataLoader(2)": data_peers.image_folder(files, dataset, batch_size),
            **data_peers.hugging_face(encoded, dataset, batch_size),
        }
        rates, record = _contest(dataset, peers, batch_size, rounds)
        epoch_s = len(dataset) / rates.median("ImageFolder + DataLoader(2)")
        record["open"] = {
            "first_s": round(first_s, 2),
            "second_s": round(second_s, 4),
            "first_over_an_epoch_of_ImageFolder": round(first_s / epoch_s, 3),
        }
        record["memory"] = _memory(partial(TinyImageNet, root, "train", cache=Path(scratch)), batch_size)
    return record


def _cifar10(root: Path, batch_size: int, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        dataset = CIFAR10(root, "train", cache=Path(scratch))
        encoded = data_peers.encode_png(dataset.images[: 16 * batch_size])
        peers = {
            "torchvision CIFAR10 + DataLoader(2)": data_peers.torchvision_cifar10(dataset, batch_size),
            **data_peers.hugging_face(encoded, dataset, batch_size),
        }
        _, record = _contest(dataset, peers, batch_size, rounds)
        record["memory"] = _memory(partial(CIFAR10, root, "train", cache=Path(scratch)), batch_size)
    return record


def _contest(
    dataset: Dataset, peers: dict[str, Callable[[], int]], batch_size: int, rounds: int
) -> tuple[Rates, dict[str, Any]]:
    """Rates of the loader in several forms, of the same work in memory and of the peers."""
    contiguous = partial(_epoch, batch_size=batch_size, memory_format=torch.contiguous_format)
    loader, in_memory = contiguous(dataset), data_peers.in_memory(dataset, batch_size)
    contestants = {
        _LOADER: loader,
        f"{_LOADER}, channels_last": _epoch(dataset, batch_size=batch_size),
        f"{_LOADER}, bfloat16": contiguous(dataset, dtype=torch.bfloat16),
        f"{_LOADER}, 1,000 images": contiguous(subset(dataset, range(min(1000, len(dataset)))), passes=50),
        **in_memory,
        **peers,
    }
    rates = race(contestants, rounds=rounds)
    beside = {name: beside_neighbours(run, rounds=rounds) for name, run in {_LOADER: loader, **in_memory}.items()}
    return rates, {
        "images": len(dataset),
        "images_per_s": rates.as_json(),
        "times_faster_than": {name: round(rates.ratio(_LOADER, name), 3) for name in rates.of if name != _LOADER},
        "share_left_beside_busy_neighbours": {name: round(share, 3) for name, share in beside.items()},
    }


def _epoch(dataset: Dataset, *, batch_size: int, passes: int = 1, **how: Any) -> Callable[[], int]:
    loader = Loader(dataset, batch_size, drop_last=passes == 1, **how)

    def run() -> int:
        return sum(len(targets) for _ in range(passes) for _, targets in loader)

    return run


def _timed(make: Callable[[], Dataset]) -> tuple[float, Dataset]:
    began = time.perf_counter()
    dataset = make()
    return time.perf_counter() - began, dataset


def _memory(make: Callable[[], Dataset], batch_size: int) -> dict[str, float] | None:
    """What an epoch takes beyond the mapped file, measured in a process of its own; None without /proc."""
    if not Path("/proc/self/status").exists():
        return None
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
        return executor.submit(_measure_memory, make, batch_size).result()


def _measure_memory(make: Callable[[], Dataset], batch_size: int) -> dict[str, float]:
    dataset = make()
    batch_bytes = 4 * batch_size * dataset.images[0].numel()
    list(Loader(subset(dataset, range(8)), 4))  # what a process loads once is none of the epoch's
    before = _own_bytes()
    most = max(_own_bytes() for _ in Loader(dataset, batch_size))
    return {
        "batch_mb": round(batch_bytes / 1e6, 2),
        "epoch_mb": round((most - before) / 1e6, 2),
        "epoch_batches": round((most - before) / batch_bytes, 2),
    }


def _own_bytes() -> int:
    """Resident memory of this process that is not mapped from a file."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
