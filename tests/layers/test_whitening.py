"""The whitening stem: uncorrelated patches, both signs, the same filters wherever they are computed."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from cifarzoo.errors import SettingError
from cifarzoo.layers.whitening import WhiteningConv2d


def smooth(count: int, channels: int, side: int, seed: int = 0) -> Tensor:
    """(count, channels, side, side): noise whose neighbours are alike, as in pictures."""
    noise = torch.randn(count, channels, side + 2, side + 2, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.avg_pool2d(noise, 3, 1) * 3 + 0.5 * noise[:, :1, 1:-1, 1:-1]


@settings(max_examples=8)
@given(side=st.integers(2, 4), stride=st.integers(1, 2), seed=st.integers(0, 99))
def test_outputs_are_uncorrelated_and_of_variance_one(side: int, stride: int, seed: int) -> None:
    layer = WhiteningConv2d(in_channels=3, kernel_size=side, stride=stride, eps=0.0)
    images = smooth(48, 3, 20, seed)
    layer.fit(images)
    with torch.no_grad():
        outputs = torch.nn.functional.conv2d(images, layer.weight)  # (B, filters, H', W'): every patch
    half = layer.out_channels // 2
    rows = outputs.transpose(0, 1).flatten(1)[:half]  # (half, B H' W')
    torch.testing.assert_close(rows @ rows.T / rows.shape[1], torch.eye(half), atol=2e-3, rtol=0)
    assert torch.equal(layer.weight[half:], -layer.weight[:half])


def test_components_come_by_importance_and_eps_bounds_them() -> None:
    images = smooth(32, 3, 16)
    exact, bounded = (WhiteningConv2d(in_channels=3, eps=eps) for eps in (0.0, 10.0))
    exact.fit(images)
    bounded.fit(images)
    sizes = exact.weight[:12].flatten(1).norm(dim=1)
    assert torch.equal(sizes, sizes.sort().values)  # the larger a variance, the smaller its filter
    assert (bounded.weight.flatten(1).norm(dim=1) < 10**-0.5).all()
    assert not torch.equal(exact.weight, bounded.weight)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_as_many_filters_for_any_channels(channels: int) -> None:
    layer = WhiteningConv2d(in_channels=channels)
    before = layer.weight.clone()
    layer.fit(smooth(8, channels, 8))
    assert layer.weight.shape == before.shape == (24, channels, 2, 2)
    assert not torch.equal(layer.weight, before)
    assert layer.weight.isfinite().all()


def test_seen_in_parts_or_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    images = smooth(40, 3, 12)
    whole, parts = WhiteningConv2d(in_channels=3), WhiteningConv2d(in_channels=3)
    whole.fit(images)
    monkeypatch.setattr("cifarzoo.layers.whitening._PATCHES", 1)
    parts.fit(images)
    torch.testing.assert_close(parts.weight, whole.weight, atol=1e-4, rtol=1e-4)


def test_filters_do_not_learn_and_the_bias_does() -> None:
    layer = WhiteningConv2d(in_channels=3)
    layer(smooth(2, 3, 8)).sum().backward()
    assert layer.weight.grad is None
    assert layer.bias is not None and layer.bias.grad is not None and layer.bias.grad.any()


def test_loaded_weights_count_as_fitted() -> None:
    one, other = WhiteningConv2d(in_channels=3), WhiteningConv2d(in_channels=3)
    one.fit(smooth(8, 3, 8))
    assert one.fitted and not other.fitted
    other.load_state_dict(one.state_dict())
    assert other.fitted and torch.equal(other.weight, one.weight)
    other.reset_parameters()
    assert not other.fitted


@pytest.mark.parametrize("shape", [(2, 1, 8, 8), (2, 3, 8, 1), (3, 8, 8)])
def test_wrong_pictures_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SettingError, match=r"must be \(B, 3, H, W\)"):
        WhiteningConv2d(in_channels=3).fit(torch.zeros(shape))
