from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.draws import Draws
from cifarzoo.training.shrinking import resized, windows


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_resizing_keeps_brightness_and_memory_order(layout: torch.memory_format) -> None:
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)).to(memory_format=layout)
    small = resized(images, 16)
    assert small.shape == (2, 3, 16, 16)
    assert small.is_contiguous(memory_format=layout)
    torch.testing.assert_close(small.mean((2, 3)), images.mean((2, 3)), atol=0.02, rtol=0)
    assert resized(images, None) is images
    assert resized(images, 32) is images


@given(
    height=st.integers(1, 12), width=st.integers(1, 12), side=st.integers(1, 9), channels=st.integers(1, 4),
    batch=st.integers(0, 3),
)  # fmt: skip
def test_resizing_is_torchs_bilinear_antialiased(height: int, width: int, side: int, channels: int, batch: int) -> None:
    images = torch.randn(batch, channels, height, width, generator=torch.Generator().manual_seed(0))
    found = resized(images, side)
    sides = tuple(round(of * side / min(height, width)) for of in (height, width))
    assert found.shape == (batch, channels, *sides)
    if batch:  # torch refuses none
        expected = torch.nn.functional.interpolate(images, sides, mode="bilinear", antialias=True)
        torch.testing.assert_close(found, expected)


def test_the_shorter_side_counts() -> None:
    assert resized(torch.zeros(1, 3, 20, 30), 10).shape == (1, 3, 10, 15)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@given(height=st.integers(5, 12), width=st.integers(5, 12), side=st.integers(1, 5), seed=st.integers(0, 2**32))
def test_a_window_is_a_part_as_it_is(
    layout: torch.memory_format, height: int, width: int, side: int, seed: int
) -> None:
    images = torch.arange(4 * 3 * height * width).float().view(4, 3, height, width).contiguous(memory_format=layout)
    draws = Draws(seed, 0, torch.arange(4))
    cut = windows(images, side, draws)
    assert cut.shape == (4, 3, side, side)
    assert cut.is_contiguous(memory_format=layout)
    for window, image in zip(cut, images, strict=True):
        top, left = divmod(int(window[0, 0, 0] - image[0, 0, 0]), width)
        assert torch.equal(window, image[:, top : top + side, left : left + side])
    assert torch.equal(windows(images[1:3], side, draws[1:3]), cut[1:3])


def test_windows_lie_everywhere_each_at_its_own_place() -> None:
    image = torch.arange(36.0).view(1, 1, 6, 6)
    draws = Draws(0, 0, torch.arange(1000))
    corners = windows(image.expand(1000, 1, 6, 6), 4, draws)[:, 0, 0, 0].unique(return_counts=True)
    assert corners[0].tolist() == [0, 1, 2, 6, 7, 8, 12, 13, 14]
    assert corners[1].min() > 50
    assert windows(image, None, draws) is image
