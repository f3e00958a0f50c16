from __future__ import annotations

import pytest
import torch
from conv_oracle import random
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.layers import strips


@given(
    batch=st.integers(0, 9), height=st.integers(1, 4), width=st.integers(1, 4),
    count=st.integers(1, 5), gap_px=st.integers(0, 2),
)  # fmt: skip
def test_what_is_laid_side_by_side_comes_apart_again(
    batch: int, height: int, width: int, count: int, gap_px: int
) -> None:
    """Zeros are between, and in place of the maps that are missing in the last strip."""
    maps = random(batch, 3, height, width).abs() + 1
    found = strips._side_by_side(maps, count, width + gap_px)
    assert found.shape == (-(-batch // count), 3, height, count * (width + gap_px))
    assert torch.equal(strips._apart(found, count, batch, width), maps)
    assert int((found > 0).sum()) == maps.numel() and torch.isfinite(found).all()


@pytest.mark.parametrize(
    ("side", "stride", "channels", "dtype", "expected"),
    [
        (7, 1, 64, torch.bfloat16, True),
        (11, 1, 64, torch.bfloat16, True),
        (12, 1, 64, torch.bfloat16, False),
        (22, 2, 64, torch.bfloat16, True),
        (23, 2, 64, torch.bfloat16, False),
        (7, 1, 63, torch.bfloat16, False),
        (7, 1, 64, torch.float16, False),
        (7, 1, 64, torch.float32, False),
    ],
)
def test_it_pays_for_narrow_maps_of_many_channels_in_bf16_on_amx(
    side: int, stride: int, channels: int, dtype: torch.dtype, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, weight = torch.zeros(1, 64, side, side, dtype=dtype), torch.zeros(channels, 64, 3, 3, dtype=dtype)
    for has_amx in (True, False):
        monkeypatch.setattr(strips, "_HAS_AMX", has_amx)
        assert strips.pays(images, weight, stride) is (expected and has_amx)
