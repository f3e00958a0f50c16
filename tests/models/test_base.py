"""The base class, on a model small enough to check by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import cifarzoo
from cifarzoo.errors import SettingError
from cifarzoo.layers.normalize import Normalize
from cifarzoo.models import Classifier
from cifarzoo.weights import Card


def tiny(*, num_classes: int = 3, in_channels: int = 2, dropout: float = 0.0) -> Classifier:
    """Two stages, the last of 4 channels at a quarter of the side."""
    return Classifier(
        stem=nn.Conv2d(in_channels, 2, 1),
        stages=[nn.AvgPool2d(2), nn.Conv2d(2, 4, 2, stride=2)],
        widths=(2, 4),
        reductions=(2, 4),
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
    )


def test_attributes() -> None:
    model = tiny()
    assert (model.num_features, model.num_classes, model.in_channels, model.min_size) == (4, 3, 2, 8)
    assert (model.arch, model.settings, model.card, model.default_input_size) == (None, {}, None, 32)
    assert model.feature_info == [
        {"num_chs": 2, "reduction": 2, "module": "stages.0"},
        {"num_chs": 4, "reduction": 4, "module": "stages.1"},
    ]


def test_forward_is_pool_and_linear_on_the_features() -> None:
    model = tiny()
    images = torch.randn(5, 2, 8, 12)
    features = model.forward_features(images)
    assert torch.equal(features, model.stages(model.stem(images)))
    pooled = features.mean((2, 3))
    torch.testing.assert_close(model.forward_head(features, pre_logits=True), pooled)
    torch.testing.assert_close(model(images), pooled @ model.classifier.weight.T + model.classifier.bias)


def test_normalize_comes_first() -> None:
    model = tiny()
    pixels = torch.rand(2, 2, 8, 8)
    plain = model((pixels - 0.5) / 0.25)
    model.normalize = Normalize((0.5, 0.5), (0.25, 0.25))
    torch.testing.assert_close(model(pixels), plain)


def test_dropout_acts_on_pooled_features_in_training_only() -> None:
    model = tiny(dropout=0.9)
    images = torch.randn(1, 2, 8, 8)
    assert (model.forward_head(model.forward_features(images), pre_logits=True) == 0).any()
    assert torch.equal(model.eval()(images), model(images))


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_illegal_dropout(dropout: float) -> None:
    with pytest.raises(SettingError, match="dropout"):
        tiny(dropout=dropout)


def test_no_classes_give_features() -> None:
    model = tiny(num_classes=0)
    images = torch.randn(2, 2, 8, 8)
    assert isinstance(model.get_classifier(), nn.Identity)
    assert model.num_classes == 0
    assert torch.equal(model(images), model.forward_head(model.forward_features(images), pre_logits=True))


def test_reset_classifier() -> None:
    model = tiny().double()
    images = torch.randn(2, 2, 8, 8, dtype=torch.float64)
    features = model.forward_features(images)
    for num_classes in (5, 0, 1):
        model.reset_classifier(num_classes)
        assert model.num_classes == num_classes
        assert model(images).shape == (2, num_classes or 4)  # and of the model's own dtype
        assert torch.equal(model.forward_features(images), features)


def test_a_new_head_has_none_of_the_old_one_s_classes() -> None:
    model = tiny()
    model.card = Card(arch="tiny", num_classes=3, in_channels=2, classes=["a", "b", "c"], top1=90.0, mean=[0.5, 0.5])
    model.reset_classifier(3)
    assert model.card == Card(arch="tiny", num_classes=3, in_channels=2, mean=[0.5, 0.5])


@pytest.mark.parametrize("num_classes", [-1, 2.0, True, None])
def test_illegal_number_of_classes(num_classes: object) -> None:
    model = tiny()
    with pytest.raises(SettingError, match="num_classes"):
        model.reset_classifier(num_classes)
    assert model.num_classes == 3


@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 3, 8, 8), (1, 2, 7, 8), (1, 2, 8, 7)])
def test_illegal_input(shape: tuple[int, ...]) -> None:
    with pytest.raises(SettingError, match=r"must be \(B, 2, H, W\) with H and W of at least 8"):
        tiny()(torch.zeros(shape))


def test_least_size_is_never_above_the_promise() -> None:
    deep = Classifier(
        stem=nn.Identity(), stages=[nn.AvgPool2d(32)], widths=[3], reductions=[32], num_classes=2, in_channels=3
    )
    assert deep.min_size == 32
    assert deep(torch.zeros(1, 3, 32, 32)).shape == (1, 2)


def test_each_stage_has_a_width() -> None:
    with pytest.raises(ValueError, match="zip"):
        Classifier(
            stem=nn.Identity(), stages=[nn.Identity()], widths=[3, 3], reductions=[1, 1], num_classes=2, in_channels=3
        )


@pytest.mark.parametrize("name, widths", [("attention_net", (64,) * 5), ("baseline_cnn", (8,) * 6)])
def test_deeper_than_published_takes_its_least_size(name: str, widths: tuple[int, ...]) -> None:
    model = cifarzoo.create(name, widths=widths, depths=(1,) * len(widths), seed=0).eval()
    assert model(torch.zeros(1, 3, model.min_size, model.min_size)).shape == (1, 10)
