"""Training speed against batch size: where a machine stops gaining, and where its memory ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

import cifarzoo
from cifarzoo import files
from cifarzoo.bench.contest import alone, environment, peak_mb
from cifarzoo.errors import SettingError
from cifarzoo.training import keep_freed_memory
from cifarzoo.training.checks import choose_device
from cifarzoo.training.plots import save_figure
from cifarzoo.training.precision import autocast, choose_precision

BATCH_SIZES = (1, 4, 16, 32, 64, 128, 256, 512, 1024)


def bench_batch(
    model: str,
    *,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    size: int | None = None,
    precision: str = "auto",
    seconds: float = 5.0,
    device: str = "auto",
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Measure forward, backward and update on random images, each batch size in a process of its own.

    Args:
        model: its name.
        batch_sizes: images a step; the first that does not fit into memory ends the measurement.
        size: side of the images in px; None for the model's own.
        precision: ``fp32``, ``bf16`` or ``auto``.
        seconds: how long each is measured, at least.
        device: as for ``Trainer``.
        say: is told how far it is.

    Returns:
        A record of JSON values; ``rows`` has an entry a batch size, its numbers None where it did not fit.
        ``gflop_per_s`` counts three forward passes a step; it is None for another size than the model's own.

    Raises:
        SettingError, UnknownModelError: an argument outside what is legal.
    """
    spec = cifarzoo.model_info(model)
    if not batch_sizes or min(batch_sizes) < 1:
        raise SettingError(f"batch_sizes (={list(batch_sizes)}) must be at least 1 each")
    side = size or spec.input_size
    if side < spec.min_size:
        raise SettingError(f"size (={side}) must be at least {spec.min_size}, the least that {model} takes")
    chosen = choose_device(device)
    precision = choose_precision(precision, chosen)
    threads, flops = torch.get_num_threads(), 6 * spec.macs if side == spec.input_size else None
    rows: list[dict[str, float | None]] = []
    for batch_size in sorted(set(batch_sizes)):
        row = _row(batch_size, _alone(model, batch_size, side, precision, seconds, str(chosen), threads), flops)
        rows.append(row)
        rate = row["images_per_s"]
        say(f"batch of {batch_size}: {f'{rate} images/s' if rate else 'does not fit into memory, or ends its process'}")
        if row["images_per_s"] is None:
            break
    return {
        "kind": "batch size benchmark",
        "model": model,
        "size_px": side,
        "precision": precision,
        "device": str(chosen),
        "environment": environment(),
        "rows": rows,
    }


def draw_batch(record: dict[str, Any], path: Path | str) -> None:
    """Draw images a second and peak memory against batch size.

    Args:
        record: as ``bench_batch`` gives it.
        path: of the PNG file.

    Raises:
        SettingError: it cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import ScalarFormatter

    rows = [row for row in record["rows"] if row["images_per_s"] is not None]
    figure = Figure(figsize=(7, 5), layout="constrained")
    speed, memory = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    at = [row["batch_size"] for row in rows]
    speed.plot(at, [row["images_per_s"] for row in rows], marker="o")
    memory.plot(at, [row["peak_mb"] for row in rows], marker="o", c="#c8501e")
    speed.set_ylabel("images/s")
    memory.set_ylabel("peak memory (MB)")
    memory.set_xlabel(f"batch size ({record['model']}, {record['size_px']} px, {record['precision']})")
    memory.set_xscale("log", base=2)
    memory.xaxis.set_major_formatter(ScalarFormatter())
    for axes in (speed, memory):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    with files.writing(path):
        save_figure(figure, path)


def _row(batch_size: int, measured: tuple[float, float] | None, flops: int | None) -> dict[str, float | None]:
    """A line of the table, from images a second and memory in MB."""
    if measured is None:
        return dict.fromkeys(("batch_size", "images_per_s", "gflop_per_s", "ms_per_step", "peak_mb")) | {
            "batch_size": batch_size
        }
    rate, peak_mb = measured
    return {
        "batch_size": batch_size,
        "images_per_s": round(rate, 1),
        "gflop_per_s": None if flops is None else round(rate * flops / 1e9, 1),
        "ms_per_step": round(1e3 * batch_size / rate, 1),
        "peak_mb": round(peak_mb),
    }


def _alone(*arguments: Any) -> tuple[float, float] | None:
    """Measure in a fresh process; None if it does not fit into memory."""
    try:
        return alone(measure, *arguments)
    except (torch.OutOfMemoryError, MemoryError, BrokenProcessPool):  # the last: the system has killed it
        return None


def measure(
    model: str, batch_size: int, size: int, precision: str, seconds: float, device: str, threads: int
) -> tuple[float, float]:
    """Images a second, and the most memory of the process (of the GPU, if it is one) in MB."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    network = cifarzoo.create(model, seed=0).to(device).to(memory_format=torch.channels_last).train()
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(learning, lr=1e-3, momentum=0.9, nesterov=True, fused=True)
    images = torch.randn(batch_size, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
    targets = torch.arange(batch_size, device=device) % network.num_classes

    def step() -> None:
        with autocast(precision, device):
            loss = F.cross_entropy(network(images), targets)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        loss.item()  # waits for the device

    step()  # fills caches
    steps, began = 0, time.perf_counter()
    while not steps or time.perf_counter() - began < seconds:
        step()
        steps += 1
    return steps * batch_size / (time.perf_counter() - began), peak_mb(device)
