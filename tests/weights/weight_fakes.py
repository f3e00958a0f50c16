"""A toy network's weights, put where they are looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from cifarzoo.weights import Card, read, save_weights

STATE = {"a.weight": torch.arange(20_000, dtype=torch.float32), "a.bias": torch.ones(3, dtype=torch.float16)}
NAME = "net.toys"
FILE = f"{NAME}.safetensors"


def put(folder: Path, *, value: float = 0.0, weights: bool = True, **fields: Any) -> Card:
    """A card in a folder, with or without its weights."""
    state = {**STATE, "a.weight": STATE["a.weight"] + value}
    card = save_weights(state, Card(arch="net", tag="toys", num_classes=3, **fields), folder / FILE)
    if not weights:
        (folder / FILE).unlink()
    return card


def assert_right(value: float = 0.0) -> None:
    state, _ = read(NAME)
    assert torch.equal(state["a.weight"], STATE["a.weight"] + value)


def assert_clean(folder: Path) -> None:
    """Nothing in the cache that could be taken for weights."""
    assert not list(folder.glob("*.safetensors"))
