"""Presets: there, printable, fit for any size, and each image on its own."""

from __future__ import annotations

import pytest
import torch
from augment_pictures import pictures, same
from hypothesis import given, settings
from hypothesis import strategies as st

from cifarzoo import augment
from cifarzoo.draws import Draws
from cifarzoo.errors import SettingError

PRESETS = augment.list_presets()
WANTED = {
    "none", "baseline", "colorjitter", "strong", "airbench", "trivial", "randaugment", "autoaugment", "augmix",
    "crop-flip-cutout", "rrc",
}  # fmt: skip


def test_names() -> None:
    assert set(PRESETS) >= WANTED


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_data(name: str) -> None:
    pipeline = augment.create(name, 32)
    assert pipeline == augment.create(name, 32)
    hash(pipeline)
    for op in pipeline.ops:
        assert repr(op) in repr(pipeline)
        assert eval(repr(op), vars(augment)) == op  # what is printed can be typed


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=8)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 9),
    channels=st.sampled_from((1, 3)),
    size=st.integers(8, 70),
    memory_format=st.sampled_from((torch.contiguous_format, torch.channels_last)),
)
def test_any_size(
    name: str, seed: int, count: int, channels: int, size: int, memory_format: torch.memory_format
) -> None:
    images = pictures(seed, count, channels, size, size).contiguous(memory_format=memory_format)
    before = images.clone()
    changed = augment.create(name, size)(images, draws=Draws(seed, 0, torch.arange(count)))
    assert (changed.shape, changed.dtype) == (images.shape, images.dtype)
    assert changed.is_contiguous(memory_format=memory_format)
    same(images, before)


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "none"])
def test_images_get_draws_of_their_own_that_change_with_the_epoch(name: str) -> None:
    images = pictures(1, 1).expand(64, -1, -1, -1)[:, :, :24].contiguous()
    images = torch.randint(0, 256, (1, 3, 24, 24), dtype=torch.uint8).expand(64, -1, -1, -1)
    pipeline = augment.create(name, 24)
    first, again, second = (pipeline(images, draws=Draws(1, epoch, torch.arange(64))) for epoch in (0, 0, 1))
    same(first, again)
    assert len(first.unique(dim=0)) > 16
    assert (first != second).flatten(1).any(1).sum() > 32


@pytest.mark.parametrize("name", PRESETS)
def test_float_images_take_every_preset(name: str) -> None:
    images = pictures(3, 40).float() / 255
    changed = augment.create(name, 32)(images, draws=Draws(1, 0, torch.arange(40)))
    assert changed.dtype == torch.float32
    assert changed.min() >= 0.0 and changed.max() <= 1.0 + 1e-6


def test_an_unknown_name_is_told_its_neighbours() -> None:
    with pytest.raises(SettingError, match=r"no augmentation preset is named 'basline'; nearest: baseline"):
        augment.create("basline", 32)
    with pytest.raises(SettingError, match="size"):
        augment.create("baseline", 0)
