from __future__ import annotations

import pytest
import torch

from cifarzoo.layers import patches


@pytest.mark.parametrize(
    ("side", "stride", "dtype", "expected"),
    [
        (2, 1, torch.float32, True),
        (3, 1, torch.float32, False),
        (4, 2, torch.float64, True),
        (5, 2, torch.float64, False),
        (2, 1, torch.bfloat16, False),
    ],
)
def test_it_pays_for_few_pixels_of_output(side: int, stride: int, dtype: torch.dtype, expected: bool) -> None:
    """Not in 16 bits."""
    assert patches.pays(torch.zeros(1, 1, side, side, dtype=dtype), stride) is expected
