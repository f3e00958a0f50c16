from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from cifarzoo.layers import fast_conv, strips
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


@pytest.mark.parametrize(
    ("side", "stride", "dtype", "expected"),
    [
        (2, 1, torch.float32, "by_patches"),
        (3, 1, torch.float32, None),
        (4, 2, torch.float32, "by_patches"),
        (2, 1, torch.bfloat16, "by_strips"),
        (11, 1, torch.bfloat16, "by_strips"),
        (12, 1, torch.bfloat16, None),
        (22, 2, torch.bfloat16, "by_strips"),
    ],
)
@pytest.mark.parametrize("by_autocast", [True, False])
def test_small_maps_are_patches_or_lie_in_strips(
    side: int, stride: int, dtype: torch.dtype, expected: str | None, by_autocast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In bf16 on AMX in strips, whether the maps have them or autocast brings them; the result is torch's."""
    monkeypatch.setattr(strips, "_HAS_AMX", True)
    taken: list[str] = []

    def watched(name: str) -> Callable[..., Tensor]:
        real = getattr(fast_conv, name)
        return lambda *of, stride: taken.append(name) or real(*of, stride=stride)

    for name in ("by_patches", "by_strips"):
        monkeypatch.setattr(fast_conv, name, watched(name))
    torch.manual_seed(0)
    channels = 64 if dtype == torch.bfloat16 else 3  # in fp32 many have Winograd's algorithm
    layer, images = Conv2d(channels, channels, stride=stride), torch.randn(2, channels, side, side)
    if by_autocast:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
            found = layer(images)
    else:
        found = layer.to(dtype)(images.to(dtype))
    assert taken == ([expected] if expected else []) and found.dtype == dtype
    wanted = nn.functional.conv2d(images.to(dtype), layer.weight.to(dtype), stride=stride, padding=1)
    torch.testing.assert_close(found, wanted, rtol=2e-2, atol=2e-2)


def test_filters_of_an_even_side_are_left_to_torch() -> None:
    layer, images = Conv2d(3, 4, kernel_size=2), torch.randn(2, 3, 2, 2, requires_grad=True)
    found = layer(images)
    torch.testing.assert_close(found, nn.functional.conv2d(images, layer.weight, padding=1))
    found.sum().backward()
    assert images.grad is not None and images.grad.shape == images.shape


@pytest.mark.parametrize("side", [2, 8])
def test_gradients_reach_the_weights_through_autocast(side: int) -> None:
    torch.manual_seed(0)
    layer, images = Conv2d(64, 64), torch.randn(8, 64, side, side)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer(images).float().square().sum().backward()
    found, layer.weight.grad = layer.weight.grad, None
    layer(images).square().sum().backward()
    assert found.dtype == torch.float32
    assert (found - layer.weight.grad).norm() < 0.02 * layer.weight.grad.norm()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, True), ({"stride": 2}, False), ({"kernel_size": 1}, False), ({"kernel_size": 5}, False)],
)
def test_layers_take_it_for_3x3_filters_at_stride_1(
    settings: dict[str, int], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bool] = []
    monkeypatch.setattr(fast_conv, "by_tiles", lambda images, _: taken.append(True) or images)
    layer = Conv2d(128, 128, **settings)
    layer(torch.zeros(32, 128, 8, 8))
    assert bool(taken) is expected
    taken.clear()
    with torch.autocast("cpu", dtype=torch.bfloat16):  # 16 bits keep torch's
        layer(torch.zeros(32, 128, 8, 8))
    layer.fast = False
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
