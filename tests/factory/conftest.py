"""A catalogue that a test may add to, and trained weights of its family."""

import pytest
import torch
from factory_fakes import FACTS, MEAN, STD, Tiny

import cifarzoo
from cifarzoo import registry
from cifarzoo.weights import Card, save_weights


@pytest.fixture(autouse=True)
def own_catalogue(monkeypatch):
    monkeypatch.setattr(registry, "_SPECS", dict(registry._SPECS))
    registry.register("tiny", Tiny, **FACTS)
    registry.register("tiny_wide", Tiny, settings={"widths": (6, 9)}, **FACTS)


@pytest.fixture
def trained(tmp_path):
    """A weight file of tiny with five classes, and the model that was saved."""
    model = cifarzoo.create("tiny", num_classes=5, widths=(3, 7)).eval()
    classes = ["a", "b", "c", "d", "e"]
    card = Card(arch="tiny", num_classes=5, settings=model.settings, mean=MEAN, std=STD, classes=classes, input_size=12)
    save_weights(model.state_dict(), card, tmp_path / "model.safetensors")
    return tmp_path, model


@pytest.fixture
def x():
    return torch.rand(2, 3, 8, 8)
