from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.layers import winograd
from cifarzoo.layers.conv import Conv2d

sides = st.integers(1, 11)
channels = st.integers(1, 5)


def random(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def plain(images: Tensor, weight: Tensor) -> Tensor:
    return F.conv2d(images, weight, padding=1)


def both_ways(conv2d: Callable[[Tensor, Tensor], Tensor], images: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
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
        ours = both_ways(lambda *of: winograd.conv2d(*of, tile=tile), images, weight)
    for found, expected in zip(ours, both_ways(plain, images, weight), strict=True):
        torch.testing.assert_close(found, expected)
    assert ours[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("side", [2, 3, 4, 7, 8])
def test_rounding_is_that_of_fp32(side: int) -> None:
    """About six times that of the plain sum, a thousandth of what bf16 would cost."""
    images, weight = random(8, 128, side, side), random(128, 128, 3, 3, seed=1)
    for found, exact in zip(
        both_ways(winograd.conv2d, images.float(), weight.float()), both_ways(plain, images, weight), strict=True
    ):
        assert (found.double() - exact).square().mean().sqrt() < 4e-6 * exact.square().mean().sqrt()


@given(height=st.integers(1, 40), width=st.integers(1, 40))
def test_the_best_tile_costs_least(height: int, width: int) -> None:
    def cost(tile: int) -> int:
        return -(-height // tile) * -(-width // tile) * (tile + 2) ** 2

    assert cost(winograd.best_tile(height, width)) == min(cost(tile) for tile in (2, 3, 4))


def test_a_whole_map_is_one_tile_where_it_can() -> None:
    assert [winograd.best_tile(side, side) for side in (2, 3, 4, 8, 16)] == [2, 3, 4, 4, 4]


def test_only_the_gradients_that_are_wanted() -> None:
    images, weight = random(2, 3, 4, 4), random(5, 3, 3, 3, seed=1)
    expected = both_ways(plain, images, weight)
    for at, (wants_images, wants_weight) in enumerate([(True, False), (False, True)], start=1):
        first, second = images.clone().requires_grad_(wants_images), weight.clone().requires_grad_(wants_weight)
        found = winograd.conv2d(first, second)
        found.backward(random(*found.shape, seed=2))
        torch.testing.assert_close((first.grad, second.grad)[at - 1], expected[at])
        assert (first.grad, second.grad)[2 - at] is None
    assert not winograd.conv2d(images, weight).requires_grad


def test_gradients_of_an_expanded_gradient() -> None:
    """That of a sum has no memory of its own."""
    images = random(2, 3, 5, 4).requires_grad_()
    weight = random(4, 3, 3, 3, seed=1)
    (found,) = torch.autograd.grad(winograd.conv2d(images, weight).sum(), images)
    (expected,) = torch.autograd.grad(plain(images, weight).sum(), images)
    torch.testing.assert_close(found, expected)


def test_gradients_of_gradients() -> None:
    images, weight = random(2, 2, 4, 3).requires_grad_(), random(3, 2, 3, 3, seed=1).requires_grad_()
    assert torch.autograd.gradgradcheck(winograd.conv2d, (images, weight))


@pytest.mark.filterwarnings("ignore:`torch.jit")  # torch's forward mode loads what torch itself deprecates
def test_forward_mode_and_vmap_are_torchs() -> None:
    images, weight = random(4, 3, 4, 4), random(5, 3, 3, 3, seed=1)
    tangents = random(4, 3, 4, 4, seed=2), random(5, 3, 3, 3, seed=3)
    for ours, theirs in zip(
        torch.func.jvp(winograd.conv2d, (images, weight), tangents),
        torch.func.jvp(plain, (images, weight), tangents),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)
    one = torch.func.jvp(lambda of: winograd.conv2d(of, weight), (images,), tangents[:1])[1]
    torch.testing.assert_close(one, plain(tangents[0], weight))

    def loss(conv2d: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda weight, image: conv2d(image[None], weight).square().sum()

    ours = torch.func.vmap(torch.func.grad(loss(winograd.conv2d)), (None, 0))(weight, images)  # (4, 5, 3, 3, 3)
    torch.testing.assert_close(ours, torch.func.vmap(torch.func.grad(loss(plain)), (None, 0))(weight, images))


BATCH, WEIGHT = torch.zeros(32, 128, 8, 8), torch.zeros(128, 128, 3, 3)


@pytest.mark.parametrize(
    ("images", "weight", "expected"),
    [
        (BATCH, WEIGHT, True),
        (torch.zeros(1, 128, 32, 32), WEIGHT, True),
        (torch.zeros(64, 128, 2, 2), WEIGHT, True),
        (torch.zeros(1, 128, 8, 8), WEIGHT, False),  # the filters' transform is not earned
        (torch.zeros(999, 128, 1, 1), WEIGHT, False),  # a tile of 2x2 for one pixel
        (torch.zeros(32, 64, 8, 8), torch.zeros(64, 64, 3, 3), False),
        (torch.zeros(32, 64, 8, 8), torch.zeros(256, 64, 3, 3), True),
        (BATCH.double(), WEIGHT.double(), False),
        (BATCH.bfloat16(), WEIGHT.bfloat16(), False),
        (BATCH.to("meta"), WEIGHT.to("meta"), False),
        (torch.zeros(0, 128, 8, 8), WEIGHT, False),
    ],
)
def test_when_it_pays(images: Tensor, weight: Tensor, expected: bool) -> None:
    assert winograd.pays(images, weight) is expected


def test_autocast_keeps_torchs() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not winograd.pays(BATCH, WEIGHT)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, True), ({"stride": 2}, False), ({"kernel_size": 1}, False), ({"kernel_size": 5}, False)],
)
def test_layers_take_it_for_3x3_filters_at_stride_1(
    settings: dict[str, int], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[bool] = []
    monkeypatch.setattr(winograd, "conv2d", lambda images, _: taken.append(True) or images)
    layer = Conv2d(128, 128, **settings)
    layer(BATCH)
    assert bool(taken) is expected
    taken.clear()
    layer.winograd = False
    layer(BATCH)
    assert not taken


def test_what_is_exported_holds_a_convolution() -> None:
    program = torch.export.export(Conv2d(128, 128), (BATCH,))
    assert "conv2d" in str(program.graph) and "bmm" not in str(program.graph)
