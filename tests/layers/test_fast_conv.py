from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType

import pytest
import torch
from conv_oracle import faster, plainly, random, sides_after
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.layers import fast_conv, patches, strips, winograd
from cifarzoo.layers.conv import Conv2d
from cifarzoo.layers.fast_conv import by_patches, by_strips, by_tiles

sides = st.integers(1, 11)
channels = st.integers(1, 5)
Conv = Callable[[Tensor, Tensor], Tensor]


def plain(images: Tensor, weight: Tensor, stride: int = 1) -> Tensor:
    return F.conv2d(images, weight, stride=stride, padding=1)


all_ways = pytest.mark.parametrize(
    ("conv2d", "torchs"),
    [
        (by_tiles, plain),
        (by_patches, plain),
        (partial(by_patches, stride=2), partial(plain, stride=2)),
        (by_strips, plain),
        (partial(by_strips, stride=2), partial(plain, stride=2)),
    ],
    ids=["tiles", "patches", "patches at stride 2", "strips", "strips at stride 2"],
)
patches_and_strips = pytest.mark.parametrize("way", [patches, strips], ids=["patches", "strips"])


def both_ways(conv2d: Conv, images: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
    """Outputs and gradients."""
    images, weight = images.detach().requires_grad_(), weight.detach().requires_grad_()
    found = conv2d(images, weight)
    return (found, *torch.autograd.grad(found, (images, weight), random(*found.shape, seed=2).to(found)))


@given(
    batch=st.integers(1, 5), given_=channels, wanted=channels, height=sides, width=sides, tile=st.integers(2, 4),
    layout=st.sampled_from([torch.channels_last, torch.contiguous_format]), images_a_part=st.integers(1, 6),
)  # fmt: skip
def test_it_is_torchs_convolution_and_so_are_its_gradients(
    batch: int,
    given_: int,
    wanted: int,
    height: int,
    width: int,
    tile: int,
    layout: torch.memory_format,
    images_a_part: int,
) -> None:
    """Whatever tiles reach over the edge, and however many images are taken at a time."""
    images = random(batch, given_, height, width).to(memory_format=layout)
    weight = random(wanted, given_, 3, 3, seed=1).to(memory_format=layout)
    tiles = -(-height // tile) * -(-width // tile)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "_PART_BYTES", images_a_part * 8 * (tile + 2) ** 2 * tiles * max(given_, wanted))
        ours = both_ways(partial(by_tiles, tile=tile), images, weight)
    for found, expected in zip(ours, both_ways(plain, images, weight), strict=True):
        torch.testing.assert_close(found, expected)
    assert ours[0].is_contiguous(memory_format=torch.channels_last)


@patches_and_strips
@given(
    batch=st.integers(0, 9), given_=channels, wanted=channels, height=st.integers(1, 7), width=st.integers(1, 7),
    stride=st.integers(1, 3), side=st.sampled_from([1, 3, 5]),
    layout=st.sampled_from([torch.channels_last, torch.contiguous_format]),
)  # fmt: skip
def test_patches_and_strips_are_too_for_any_odd_filter_and_stride(
    way: ModuleType, batch: int, given_: int, wanted: int, height: int, width: int, stride: int, side: int,
    layout: torch.memory_format,
) -> None:  # fmt: skip
    """Whatever is missing in the last strip, and where the maps are too wide to gain on their way there."""
    images = random(batch, given_, height, width).to(memory_format=layout)
    weight = random(wanted, given_, side, side, seed=1).to(memory_format=layout)
    slopes = random(batch, wanted, *sides_after(images, stride), seed=2)
    ours = faster(way, images, weight, slopes, stride)
    for found, expected in zip(ours, plainly(images, weight, slopes, stride), strict=True):
        torch.testing.assert_close(found, expected)
    assert ours[0].is_contiguous(memory_format=torch.channels_last)


@patches_and_strips
@pytest.mark.parametrize("stride", [1, 2])
def test_in_16_bits_only_the_results_are_rounded(way: ModuleType, stride: int) -> None:
    """Sums are of 32 bits."""
    images, weight = random(8, 64, 4, 4).bfloat16(), random(32, 64, 3, 3, seed=1).bfloat16()
    slopes = random(8, 32, *sides_after(images, stride), seed=2).bfloat16()
    exact = plainly(images.double(), weight.double(), slopes.double(), stride)
    for found, expected in zip(faster(way, images, weight, slopes, stride), exact, strict=True):
        assert found.dtype == torch.bfloat16
        assert (found.double() - expected).square().mean().sqrt() < 3e-3 * expected.square().mean().sqrt()


@pytest.mark.parametrize("side", [2, 3, 4, 7, 8])
def test_rounding_is_that_of_fp32(side: int) -> None:
    """About six times that of the plain sum, a thousandth of what bf16 would cost."""
    images, weight = random(8, 128, side, side), random(128, 128, 3, 3, seed=1)
    for found, exact in zip(
        both_ways(by_tiles, images.float(), weight.float()),
        both_ways(plain, images, weight),
        strict=True,
    ):
        assert (found.double() - exact).square().mean().sqrt() < 4e-6 * exact.square().mean().sqrt()


@all_ways
def test_only_the_gradients_that_are_wanted(conv2d: Conv, torchs: Conv) -> None:
    images, weight = random(2, 3, 4, 4), random(5, 3, 3, 3, seed=1)
    expected = both_ways(torchs, images, weight)
    for at, (wants_images, wants_weight) in enumerate([(True, False), (False, True)], start=1):
        first, second = images.clone().requires_grad_(wants_images), weight.clone().requires_grad_(wants_weight)
        found = conv2d(first, second)
        found.backward(random(*found.shape, seed=2))
        torch.testing.assert_close((first.grad, second.grad)[at - 1], expected[at])
        assert (first.grad, second.grad)[2 - at] is None
    assert not conv2d(images, weight).requires_grad


@patches_and_strips
@pytest.mark.parametrize("side", [2, 7])
@pytest.mark.parametrize("wants", [(True, False), (False, True), (False, False)])
def test_what_is_not_wanted_is_not_computed(way: ModuleType, side: int, wants: tuple[bool, bool]) -> None:
    images, weight, slopes = random(2, 3, side, side), random(4, 3, 3, 3, seed=1), random(2, 4, side, side, seed=2)
    found = way.gradients_of(images, weight, 1, slopes, *wants)
    assert tuple(gradient is not None for gradient in found) == wants


@all_ways
def test_gradients_of_an_expanded_gradient(conv2d: Conv, torchs: Conv) -> None:
    """That of a sum has no memory of its own."""
    images = random(2, 3, 5, 4).requires_grad_()
    weight = random(4, 3, 3, 3, seed=1)
    (found,) = torch.autograd.grad(conv2d(images, weight).sum(), images)
    (expected,) = torch.autograd.grad(torchs(images, weight).sum(), images)
    torch.testing.assert_close(found, expected)


@all_ways
def test_gradients_of_gradients(conv2d: Conv, torchs: Conv) -> None:
    images, weight = random(2, 2, 4, 3).requires_grad_(), random(3, 2, 3, 3, seed=1).requires_grad_()
    assert torch.autograd.gradgradcheck(conv2d, (images, weight))


@all_ways
@pytest.mark.filterwarnings("ignore:`torch.jit")  # torch's forward mode loads what torch itself deprecates
def test_forward_mode_and_vmap_are_torchs(conv2d: Conv, torchs: Conv) -> None:
    images, weight = random(4, 3, 4, 4), random(5, 3, 3, 3, seed=1)
    tangents = random(4, 3, 4, 4, seed=2), random(5, 3, 3, 3, seed=3)
    for ours, theirs in zip(
        torch.func.jvp(conv2d, (images, weight), tangents),
        torch.func.jvp(torchs, (images, weight), tangents),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)
    one = torch.func.jvp(lambda of: conv2d(of, weight), (images,), tangents[:1])[1]
    torch.testing.assert_close(one, torchs(tangents[0], weight))

    def loss(conv2d: Conv) -> Conv:
        return lambda weight, image: conv2d(image[None], weight).square().sum()

    ours = torch.func.vmap(torch.func.grad(loss(conv2d)), (None, 0))(weight, images)  # (4, 5, 3, 3, 3)
    torch.testing.assert_close(ours, torch.func.vmap(torch.func.grad(loss(torchs)), (None, 0))(weight, images))


@settings(max_examples=10)
@pytest.mark.filterwarnings("ignore:The .grad attribute")  # opcheck looks at its own copies
@given(
    height=sides, width=sides, wants=st.sampled_from([(True, True), (True, False), (False, True)]),
    stride_and_tile=st.sampled_from([(1, 2), (1, 0), (2, 0), (1, 1), (2, 1)]),
)  # fmt: skip
def test_operators_keep_what_the_compiler_asks_of_them(
    height: int, width: int, wants: tuple[bool, bool], stride_and_tile: tuple[int, int]
) -> None:
    """Schema, shapes and strides foreseen without values, gradients, nothing that aliases an input."""
    images, weight = random(2, 3, height, width).requires_grad_(wants[0]), random(4, 3, 3, 3, seed=1)
    weight.requires_grad_(wants[1])
    torch.library.opcheck(fast_conv._operator, (images, weight, *stride_and_tile))
    slopes = random(2, 4, *(-(-side // stride_and_tile[0]) for side in (height, width)), seed=2)
    backward = (images.detach(), weight.detach(), *stride_and_tile, slopes, *wants)
    torch.library.opcheck(fast_conv._backward_operator, backward)


@all_ways
def test_what_is_compiled_is_one_operator_with_the_same_gradients(conv2d: Conv, torchs: Conv) -> None:
    seen: list[str] = []

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> torch.fx.GraphModule:
        seen.append(str(graph.graph))
        return graph

    images, weight = random(2, 3, 5, 4), random(5, 3, 3, 3, seed=1)
    compiled = torch.compile(conv2d, backend=backend, fullgraph=True)
    for ours, eager in zip(both_ways(compiled, images, weight), both_ways(conv2d, images, weight), strict=True):
        assert torch.equal(ours, eager)
    assert "cifarzoo.conv2d" in seen[0] and "bmm" not in seen[0]


def test_a_compiled_layer_under_autocast_takes_the_operator_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "_HAS_AMX", True)
    layer, images, seen = Conv2d(64, 64), random(4, 64, 4, 4).float(), []

    def backend(graph: torch.fx.GraphModule, _: list[Tensor]) -> torch.fx.GraphModule:
        seen.append(str(graph.graph))
        return graph

    compiled = torch.compile(layer, backend=backend, fullgraph=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(compiled(images), layer(images))
    assert "cifarzoo.conv2d" in seen[0]
