"""Pictures for the tests of augmentation, and what torchvision makes of each one alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

LARGEST = 96


def pictures(seed: int, count: int, channels: int = 3, height: int = 32, width: int = 32) -> Tensor:
    """(B, C, H, W) uint8: noise, noise in a narrow range, channels of one value, all black and all white."""
    source = torch.Generator().manual_seed(seed)

    def noise(*shape: int, below: int = 256) -> Tensor:
        return torch.randint(0, below, shape, generator=source)

    images = noise(count, channels, height, width)
    narrow = noise(count, 1, 1, 1, below=200) + images % (1 + noise(count, 1, 1, 1, below=55))
    flat = noise(count, channels, 1, 1).expand_as(images)
    kind = noise(count, 1, 1, 1, below=20)
    for least, other in ((10, narrow), (16, flat), (18, torch.zeros_like(images)), (19, torch.full_like(images, 255))):
        images = torch.where(kind >= least, other, images)
    return images.to(torch.uint8)


@st.composite
def batches(draw: st.DrawFn, *, largest: int = LARGEST, most: int = 33) -> Tensor:
    """Batches of 1 to 33 pictures of 1x1 to 96x96 px, one channel or three, in either layout."""
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    images = pictures(
        draw(st.integers(0, 2**32)), draw(st.integers(1, most)), draw(st.sampled_from((1, 3))), height, width
    )
    return images.contiguous(memory_format=draw(st.sampled_from((torch.contiguous_format, torch.channels_last))))


def whole_vectors() -> st.SearchStrategy[Tensor]:
    """Batches of which torchvision rounds all values alike: for what several operations make of an image."""
    shape = st.tuples(
        st.integers(1, 33), st.sampled_from((1, 3)), st.sampled_from(((32, 32), (64, 64), (8, 6), (3, 16)))
    )
    return st.builds(lambda seed, shape: pictures(seed, *shape[:2], *shape[2]), st.integers(0, 2**32), shape)


def uniform(images: Tensor, low: float, high: float, n: int | None = None, *, seed: int = 0) -> Tensor:
    """Parameters for a batch: (B,) or (B, n) float64, the limits among them."""
    shape = (len(images),) if n is None else (len(images), n)
    values = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed + len(images)))
    values = low + values * (high - low)
    values[0], values[-1] = low, high
    return values


def one_by_one(function: Callable[..., Tensor], images: Tensor, *parameters: Any) -> Tensor:
    """What a function of one picture and its parameters gives for each."""
    rows = [[value.tolist() for value in parameter] for parameter in parameters]
    return torch.stack([function(image, *values) for image, *values in zip(images, *rows, strict=True)])


def same(ours: Tensor, theirs: Tensor) -> bool:
    """Equal in type, shape and every value; shows how many differ where a test fails."""
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    wrong = int((ours != theirs).sum())
    assert wrong == 0, f"{wrong} of {ours.numel()} values differ"
    return True


def same_but_for_line_ends(ours: Tensor, theirs: Tensor) -> bool:
    """As ``same``; where a channel is no whole number of vectors torchvision rounds its last values otherwise."""
    if ours.shape[2] * ours.shape[3] % 16 == 0:
        return same(ours, theirs)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    difference = (ours.int() - theirs.int()).abs().flatten(2)
    assert difference.max() <= 1
    assert difference.count_nonzero(2).max() < 16
    return True
