from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from cifarzoo.layers import winograd_autograd
from cifarzoo.layers.conv import Conv2d, ConvNormAct


@given(
    stride=st.sampled_from([1, 2]),
    kernel_size=st.sampled_from([1, 3, 5]),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_side_is_that_over_the_stride_rounded_up(stride: int, kernel_size: int, height: int, width: int) -> None:
    conv = Conv2d(2, 3, kernel_size=kernel_size, stride=stride)
    assert conv(torch.zeros(1, 2, height, width)).shape == (1, 3, -(-height // stride), -(-width // stride))
    assert conv.bias is None


def test_weights_keep_the_scale_of_gradients() -> None:
    """Normal, variance 2 over the fan out."""
    weight = Conv2d(64, 128, kernel_size=3).weight
    assert weight.std().item() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)
    assert abs(weight.mean().item()) < 0.02 * weight.std().item()


def test_conv_norm_act_is_the_three_in_a_row() -> None:
    layer = ConvNormAct(2, 4, stride=2).eval()
    nn.init.uniform_(layer.norm.running_mean)
    nn.init.normal_(layer.norm.bias)
    images = torch.randn(2, 2, 6, 6)
    kept = images.clone()
    wanted = layer.norm(layer.conv(images)).clamp(min=0)
    torch.testing.assert_close(layer(images), wanted)
    assert torch.equal(images, kept)


@given(
    stride=st.sampled_from([1, 2]),
    kernel_size=st.sampled_from([1, 3, 5]),
    batch=st.integers(0, 3),
    height=st.integers(1, 4),
    width=st.integers(1, 4),
    channels_last=st.booleans(),
)
def test_few_pixels_give_the_same_by_a_matrix_product(
    stride: int, kernel_size: int, batch: int, height: int, width: int, channels_last: bool
) -> None:
    """Outputs and gradients are those of torch's own convolution."""
    conv = Conv2d(3, 4, kernel_size=kernel_size, stride=stride).double()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    images = torch.randn(batch, 3, height, width, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    wanted = nn.functional.conv2d(images, conv.weight, stride=stride, padding=kernel_size // 2)
    slope = torch.randn_like(wanted)
    for found in (conv(images), conv._matrix_product(images)):
        torch.testing.assert_close(found, wanted)
        for ours, theirs in zip(
            torch.autograd.grad(found, (images, conv.weight), slope),
            torch.autograd.grad(wanted, (images, conv.weight), slope, retain_graph=True),
            strict=True,
        ):
            torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(("side", "by_product"), [(1, True), (2, True), (3, False)])
def test_only_few_pixels_take_the_matrix_product(side: int, by_product: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    conv = Conv2d(1, 1)
    monkeypatch.setattr(conv, "_matrix_product", lambda x: asked.append(x.shape) or x)
    conv(torch.zeros(1, 1, side, side))
    assert bool(asked) is by_product


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, True), ({"stride": 2}, False), ({"kernel_size": 1}, False), ({"kernel_size": 5}, False)],
)
def test_layers_take_it_for_3x3_filters_at_stride_1(
    settings: dict[str, int], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bool] = []
    monkeypatch.setattr(winograd_autograd, "conv2d", lambda images, _: taken.append(True) or images)
    layer = Conv2d(128, 128, **settings)
    layer(torch.zeros(32, 128, 8, 8))
    assert bool(taken) is expected
    taken.clear()
    layer.winograd = False
    layer(torch.zeros(32, 128, 8, 8))
    assert not taken


@pytest.mark.parametrize("side", [8, 2])
def test_what_is_exported_holds_a_convolution(side: int) -> None:
    graph = str(torch.export.export(Conv2d(128, 128), (torch.zeros(32, 128, side, side),)).graph)
    assert "conv2d" in graph
    assert not any(other in graph for other in ("bmm", "unfold", "linear"))


@pytest.mark.parametrize("shape", [(64, 128, 8, 8), (2, 128, 2, 2)])
def test_what_it_was_made_without_is_heeded(shape: tuple[int, ...]) -> None:
    """A bias from a fused norm, a dilation in place of a stride."""
    torch.manual_seed(0)
    images, conv, norm = torch.randn(shape), Conv2d(128, 128).eval(), nn.BatchNorm2d(128).eval()
    nn.init.normal_(norm.bias)
    with torch.no_grad():
        wanted = norm(conv(images))
        fused = fuse_conv_bn_eval(conv, norm)
        torch.testing.assert_close(fused(images), wanted, rtol=1e-4, atol=1e-4)
        conv.dilation = conv.padding = (2, 2)
        wanted = nn.functional.conv2d(images, conv.weight, padding=2, dilation=2)
        torch.testing.assert_close(conv(images), wanted, rtol=1e-4, atol=1e-4)
