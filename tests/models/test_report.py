"""What the report says of its seven networks, and what each was given to cost."""

from __future__ import annotations

import pytest
from torch import nn

import cifarzoo
from cifarzoo.layers.attention import AttentionBlock
from cifarzoo.layers.residual import ResidualBlock
from cifarzoo.models import Classifier

# name: (parameters in millions, most GFLOP of a forward pass, classes, side in px, row of the report)
REPORT = {
    "baseline_cnn": (7.28, 0.25, 10, 32, "T2"),
    "residual_cnn": (6.10, 0.4, 10, 32, "T3"),
    "wide_residual_cnn": (11.03, 0.7, 10, 32, "T6"),
    "attention_net": (8.97, 1.0, 10, 32, "T7"),
    "resnet17": (53.24, 1.0, 10, 32, "T8"),
    "resnet17_64": (46.87, 1.0, 200, 64, "T9"),
    "deep_resnet_64": (17.50, 0.8, 200, 64, "T10"),
}


def layers(model: Classifier) -> list[str]:
    """The names of the convolution and linear layers, but for projections on skip paths."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and "shortcut" not in name.split(".")
    ]


def count(model: Classifier, kind: type[nn.Module]) -> int:
    return sum(isinstance(module, kind) for module in model.modules())


@pytest.mark.parametrize("name", REPORT)
def test_row(name: str) -> None:
    millions, gflop, num_classes, side, row = REPORT[name]
    spec = cifarzoo.model_info(name)
    assert round(spec.params / 1e6, 2) == millions
    assert 2 * spec.macs / 1e9 <= gflop
    assert (spec.num_classes, spec.input_size, spec.report_row) == (num_classes, side, row)


@pytest.mark.parametrize("name", ["resnet17", "resnet17_64"])
def test_resnet17_has_17_layers(name: str) -> None:
    assert len(layers(cifarzoo.create(name))) == 17


def test_resnet17_64_is_the_same_structure() -> None:
    """The same class, the same modules; only the first stride and the widths differ."""
    small, large = cifarzoo.create("resnet17"), cifarzoo.create("resnet17_64")
    assert type(small) is type(large)
    kinds = [[(name, type(module)) for name, module in model.named_modules()] for model in (small, large)]
    assert kinds[0] == kinds[1]
    strides = [
        [module.stride for module in model.modules() if isinstance(module, nn.Conv2d)] for model in (small, large)
    ]
    assert [pair for pair in zip(*strides, strict=True) if pair[0] != pair[1]] == [((1, 1), (2, 2))]


def test_residual_cnn_replaces_convolutions_of_baseline_cnn() -> None:
    """Stage by stage, each of its blocks stands where the plain network has a convolution."""
    plain, residual = cifarzoo.create("baseline_cnn"), cifarzoo.create("residual_cnn")
    assert [len(stage) for stage in plain.stages] == [len(stage) for stage in residual.stages]
    assert type(plain.stem) is type(residual.stem)
    pairs = [pair for stages in zip(plain.stages, residual.stages, strict=True) for pair in zip(*stages, strict=True)]
    replaced = [theirs for ours, theirs in pairs if type(ours) is not type(theirs)]
    assert len(replaced) == count(residual, ResidualBlock) == 2
    assert all(isinstance(block, ResidualBlock) for block in replaced)
    assert count(plain, ResidualBlock) == 0


def test_wide_residual_cnn_is_deeper_and_wider() -> None:
    wide, residual = cifarzoo.create("wide_residual_cnn"), cifarzoo.create("residual_cnn")
    assert count(wide, ResidualBlock) > count(residual, ResidualBlock)
    assert wide.num_features >= residual.num_features
    assert len(layers(wide)) > len(layers(residual))


def test_attention_net_has_attention_in_place_of_residual_blocks() -> None:
    model = cifarzoo.create("attention_net")
    assert count(model, ResidualBlock) == 0
    assert [count(stage, AttentionBlock) for stage in model.stages] == [5, 3]
    assert [32 // info["reduction"] for info in model.feature_info] == [8, 4]
    assert count(model.stem, nn.Conv2d) == 2


def test_deep_resnet_64_is_deeper_and_drops_out() -> None:
    model = cifarzoo.create("deep_resnet_64")
    assert len(layers(model)) == 21
    assert model.dropout.p > 0
