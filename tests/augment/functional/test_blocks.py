"""A verb in blocks sees every image once, with its own number, and gives what it gives at once."""

from __future__ import annotations

import pytest
import torch
from augment_pictures import batches, same, uniform
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from cifarzoo.augment import functional
from cifarzoo.augment.functional import blocks
from cifarzoo.augment.functional.blocks import in_blocks

VERBS = (
    functional.adjust_brightness,
    functional.adjust_contrast,
    functional.adjust_saturation,
    functional.adjust_sharpness,
    functional.adjust_hue,
)


@given(images=batches(), pixels=st.integers(1, 3000), verb=st.sampled_from(VERBS))
def test_blocks_change_nothing(images: Tensor, pixels: int, verb: blocks.Verb) -> None:
    factors = uniform(images, 0.0, 0.5)
    whole = verb(images, factors)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "_BLOCK_PIXELS", pixels)
        split = verb(images, factors)
    same(split, whole)
    assert split.stride() == whole.stride()


@pytest.mark.parametrize("count, sizes", [(0, [0]), (1, [1]), (4, [4]), (5, [4, 1]), (9, [4, 4, 1])])
def test_sizes_of_blocks(count: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    @in_blocks
    def verb(images: Tensor, factors: Tensor) -> Tensor:
        seen.append(len(images))
        return images + factors[:, None, None, None]

    monkeypatch.setattr(blocks, "_BLOCK_PIXELS", 4 * 6)
    numbers = torch.arange(float(count))
    result = verb(torch.zeros(count, 3, 2, 3), numbers)
    assert torch.equal(result[:, 1, 1, 1], numbers)
    assert seen == sizes
