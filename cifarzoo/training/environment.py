"""Where and with what a run was made."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from cifarzoo.data.loader import ImageSet


def describe_environment(
    *, device: torch.device, precision: str, train: ImageSet, test: ImageSet | None
) -> dict[str, Any]:
    """Versions, processor, threads and data of a run, as JSON values."""
    return {
        "versions": {
            "cifarzoo": _version("cifarzoo"),
            "python": platform.python_version(),
            **{name: _version(name) for name in ("torch", "torchvision", "numpy", "safetensors")},
        },
        "system": platform.platform(),
        "hardware": hardware_name(device),
        "device": str(device),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "precision": precision,
        "train": describe_data(train),
        "test": None if test is None else describe_data(test),
    }


def describe_data(dataset: ImageSet) -> dict[str, Any]:
    """A data set's name, part, size and fingerprint."""
    return {
        "name": getattr(dataset, "name", None),
        "split": getattr(dataset, "split", None),
        "images": len(dataset.targets),
        "shape": list(dataset.images.shape[1:]),
        "classes": len(dataset.classes),
        "fingerprint": getattr(dataset, "fingerprint", None),
    }


def hardware_name(device: torch.device) -> str:
    """The name of the GPU, or of the processor."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
