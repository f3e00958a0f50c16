"""Mean, standard deviation and fingerprint of images."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cifarzoo.data import measure

IMAGES = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=4, max_dims=4, max_side=6))


@given(IMAGES)
def test_mean_and_std_equal_numpy(images: np.ndarray) -> None:
    mean, std = measure.mean_and_std(torch.from_numpy(images))
    scaled = images.astype(np.float64) / 255
    np.testing.assert_allclose(mean, scaled.mean(axis=(0, 2, 3)), atol=1e-12)
    np.testing.assert_allclose(std, np.maximum(scaled.std(axis=(0, 2, 3)), 1 / 255), atol=1e-12)


def test_more_images_than_a_block() -> None:
    images = torch.zeros(2500, 1, 2, 2, dtype=torch.uint8)
    images[2000:] = 255
    mean, std = measure.mean_and_std(images)
    assert abs(mean[0] - 0.2) < 1e-12
    assert abs(std[0] - 0.4) < 1e-12


@given(IMAGES, st.data())
def test_fingerprint_changes_with_any_byte_label_class_or_order(images: np.ndarray, data: st.DataObject) -> None:
    pixels, targets = torch.from_numpy(images), torch.zeros(len(images), dtype=torch.int64)
    first = measure.fingerprint(pixels, targets, ["a", "b"])
    assert measure.fingerprint(pixels.clone(), targets, ["a", "b"]) == first
    changed = pixels.clone()
    changed.view(-1)[data.draw(st.integers(0, changed.numel() - 1))] ^= 1
    other = [
        measure.fingerprint(changed, targets, ["a", "b"]),
        measure.fingerprint(pixels, targets + 1, ["a", "b"]),
        measure.fingerprint(pixels, targets, ["a", "c"]),
        measure.fingerprint(pixels.flatten(2)[..., None], targets, ["a", "b"]) if images.shape[3] > 1 else "",
    ]
    assert first not in other
    if not torch.equal(pixels, pixels.flip(0)):
        assert measure.fingerprint(pixels.flip(0), targets, ["a", "b"]) != first


def test_blocks_are_hashed_in_order() -> None:
    images = torch.arange(3000, dtype=torch.int64).to(torch.uint8).view(-1, 1, 1, 1)
    targets = torch.zeros(3000, dtype=torch.int64)
    swapped = torch.cat([images[1024:2048], images[:1024], images[2048:]])
    swapped[0] += 1  # the blocks would be equal otherwise: 1024 is a multiple of 256
    assert measure.fingerprint(images, targets, []) != measure.fingerprint(swapped, targets, [])


def test_derived_fingerprint_keeps_its_parts_apart() -> None:
    assert measure.derived_fingerprint("a", 1, [2]) == measure.derived_fingerprint("a", 1, [2])
    assert measure.derived_fingerprint("a", 1, [2]) != measure.derived_fingerprint("a", 1, [3])
    assert len(measure.derived_fingerprint("a")) == 16
