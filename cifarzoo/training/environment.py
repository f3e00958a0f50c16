"""Where and with what a run was made."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from cifarzoo import registry
from cifarzoo.data.loader import ImageSet
from cifarzoo.processor import cpu_features


def describe_environment(
    model: nn.Module,
    *,
    device: torch.device,
    precision: str,
    world_size: int,
    seed: int,
    data: Mapping[str, ImageSet | None],
) -> dict[str, Any]:
    """Versions, processor, threads, processes, seed, model and the sets of a run by their parts in it: JSON values."""
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
        "world_size": world_size,
        "seed": seed,
        "model": describe_model(model),
        **{part: None if dataset is None else describe_data(dataset) for part, dataset in data.items()},
    }


def describe_model(model: nn.Module) -> dict[str, Any]:
    """A model's name, settings and parameters, and a hash of the names, shapes and types of its tensors."""
    layout = [(name, list(tensor.shape), str(tensor.dtype)) for name, tensor in model.state_dict().items()]
    arch = getattr(model, "arch", None) or type(model).__name__
    return {
        "arch": arch,
        "settings": registry.resolved(arch, getattr(model, "settings", {})),
        "params": sum(parameter.numel() for parameter in model.parameters()),
        "layout": hashlib.sha256(repr(layout).encode()).hexdigest(),
    }


def hash_weights(model: nn.Module) -> str:
    """A SHA-256 of all that a model's state holds."""
    digest = hashlib.sha256()
    for tensor in model.state_dict().values():
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def describe_start(model: nn.Module) -> dict[str, str | None]:
    """What training begins with: a hash of the weights, and of the file that they come from, if they were trained.

    Weights trained in memory have no file: their own hash stands for it.
    """
    before, digest = getattr(model, "card", None), hash_weights(model)
    begun_from = None if before is None else before.sha256 or before.begun_from or digest
    return {"initial_weights": digest, "begun_from": begun_from}


def describe_data(dataset: ImageSet) -> dict[str, Any]:
    """A data set's name, part, size, fingerprint, and the mean and std that it is normalised by."""
    return {
        "name": getattr(dataset, "name", None),
        "split": getattr(dataset, "split", None),
        "images": len(dataset.targets),
        "shape": list(dataset.images.shape[1:]),
        "classes": len(dataset.classes),
        "fingerprint": getattr(dataset, "fingerprint", None),
        "mean": [float(value) for value in dataset.mean],
        "std": [float(value) for value in dataset.std],
    }


def hardware_name(device: torch.device) -> str:
    """The name of the GPU, or of the processor; AMX is said, for names of virtual processors do not tell of it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    name = next(names, platform.processor() or platform.machine())
    return f"{name} with AMX" if "amx_bf16" in cpu_features() else name


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
