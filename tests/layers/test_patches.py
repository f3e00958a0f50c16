from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.layers import patches


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def plainly(images: Tensor, weight: Tensor, slopes: Tensor, stride: int) -> tuple[Tensor, ...]:
    """Outputs and gradients of torch's convolution."""
    images, weight = images.detach().requires_grad_(), weight.detach().requires_grad_()
    found = F.conv2d(images, weight, stride=stride, padding=weight.shape[2] // 2)
    return (found, *torch.autograd.grad(found, (images, weight), slopes))


def by_patches(images: Tensor, weight: Tensor, slopes: Tensor, stride: int) -> tuple[Tensor, ...]:
    """The same by one matrix product each."""
    found = patches.convolve(images, weight, stride)
    gradients = patches.gradients_of(images, weight, stride, slopes, True, True)
    return (found, *(gradient for gradient in gradients if gradient is not None))


def sides_after(images: Tensor, stride: int) -> list[int]:
    return [-(-side // stride) for side in images.shape[2:]]


@given(
    batch=st.integers(0, 3), given_=st.integers(1, 5), wanted=st.integers(1, 5), height=st.integers(1, 5),
    width=st.integers(1, 5), stride=st.integers(1, 3), side=st.sampled_from([1, 3, 5]),
    layout=st.sampled_from([torch.channels_last, torch.contiguous_format]),
)  # fmt: skip
def test_one_product_of_all_patches_is_torchs_convolution_and_so_are_its_gradients(
    batch: int, given_: int, wanted: int, height: int, width: int, stride: int, side: int, layout: torch.memory_format
) -> None:
    images = random(batch, given_, height, width).to(memory_format=layout)
    weight = random(wanted, given_, side, side, seed=1).to(memory_format=layout)
    slopes = random(batch, wanted, *sides_after(images, stride), seed=2)
    ours, torchs = (way(images, weight, slopes, stride) for way in (by_patches, plainly))
    for found, expected in zip(ours, torchs, strict=True):
        torch.testing.assert_close(found, expected)
    assert ours[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("stride", [1, 2])
def test_in_16_bits_only_the_results_are_rounded(stride: int) -> None:
    """Sums are of 32 bits."""
    images, weight = random(8, 64, 4, 4).bfloat16(), random(32, 64, 3, 3, seed=1).bfloat16()
    slopes = random(8, 32, *sides_after(images, stride), seed=2).bfloat16()
    exact = plainly(images.double(), weight.double(), slopes.double(), stride)
    for found, expected in zip(by_patches(images, weight, slopes, stride), exact, strict=True):
        assert found.dtype == torch.bfloat16
        assert (found.double() - expected).square().mean().sqrt() < 3e-3 * expected.square().mean().sqrt()


@pytest.mark.parametrize("wants", [(True, False), (False, True), (False, False)])
def test_only_the_gradients_that_are_wanted(wants: tuple[bool, bool]) -> None:
    images, weight, slopes = random(2, 3, 2, 2), random(4, 3, 3, 3, seed=1), random(2, 4, 2, 2, seed=2)
    found = patches.gradients_of(images, weight, 1, slopes, *wants)
    assert tuple(gradient is not None for gradient in found) == wants


@pytest.mark.parametrize(
    ("side", "stride", "dtype", "expected"),
    [
        (2, 1, torch.float32, True),
        (3, 1, torch.float32, False),
        (4, 2, torch.float64, True),
        (5, 1, torch.bfloat16, True),
        (6, 1, torch.float16, False),
        (10, 2, torch.bfloat16, True),
        (11, 2, torch.bfloat16, False),
    ],
)
def test_it_pays_for_few_pixels_of_output(side: int, stride: int, dtype: torch.dtype, expected: bool) -> None:
    """More of them in 16 bits."""
    assert patches.pays(torch.zeros(1, 1, side, side, dtype=dtype), stride) is expected
