"""What is particular to speednet: its beginning, its head, its maps."""

from __future__ import annotations

import pytest
import torch

import cifarzoo
from cifarzoo.errors import SettingError
from cifarzoo.models.speednet import Group, IdentityConv2d, SpeedNet


def test_convolutions_begin_as_the_identity() -> None:
    images = torch.randn(2, 16, 5, 5)
    with torch.no_grad():
        outputs = IdentityConv2d(16, 48)(images)
        assert torch.equal(IdentityConv2d(16, 16)(images), images)
    assert torch.equal(outputs[:, :16], images)
    assert outputs[:, 16:].std() > 0.1


def test_norms_learn_a_bias_only() -> None:
    group = Group(16, 32, 3)
    learning = {name for name, value in group.named_parameters() if value.requires_grad and "norms" in name}
    assert learning == {"norms.0.bias", "norms.1.bias", "norms.2.bias"}


def test_a_third_convolution_brings_a_residual() -> None:
    """With the statistics of its last norm at zero scale nothing but the first convolution is seen."""
    deep, shallow = Group(16, 32, 3).eval(), Group(16, 32, 2).eval()
    for group in (deep, shallow):
        torch.nn.init.zeros_(group.norms[-1].weight.detach())
    images = torch.randn(2, 16, 8, 8)
    with torch.no_grad():
        assert deep(images).abs().max() > 0.1
        assert shallow(images).abs().max() == 0


def test_the_stem_is_taken_from_pictures_once() -> None:
    model = cifarzoo.create("speednet", num_classes=4, seed=0)
    assert isinstance(model, SpeedNet)
    random = model.stem.conv.weight.clone()
    model.initialize_from(torch.randn(16, 3, 32, 32))
    fitted = model.stem.conv.weight.clone()
    assert not torch.equal(fitted, random)
    model.initialize_from(5 * torch.randn(16, 3, 32, 32))
    assert torch.equal(model.stem.conv.weight, fitted)


def test_features_are_scaled_to_the_head() -> None:
    model = cifarzoo.create("speednet", num_classes=5, seed=0).eval()
    head = model.get_classifier()
    assert head.bias is None and 0.9 < head.weight.std() < 1.1
    with torch.no_grad():
        features = model.forward_features(torch.randn(2, 3, 32, 32))
        pooled = model.forward_head(features, pre_logits=True)
    torch.testing.assert_close(pooled, features.amax((2, 3)) / 256)


def test_one_convolution_is_no_group() -> None:
    with pytest.raises(SettingError, match="depths"):
        SpeedNet(num_classes=2, depths=(1, 2, 2))
    for widths in ((64, 256), (64, 128, 256, 256)):
        with pytest.raises(SettingError, match="cannot be built with"):
            cifarzoo.create("speednet", widths=widths)
