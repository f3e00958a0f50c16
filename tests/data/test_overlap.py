"""Images that two sets share."""

from __future__ import annotations

import pytest
import torch
from data_fakes import pixels
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo import data
from cifarzoo.errors import SettingError

POOL = torch.from_numpy(pixels(12, 4))


def of(rows: list[int], label: int = 0) -> data.ArrayDataset:
    return data.ArrayDataset(POOL[rows], [label] * len(rows), ["a", "b"])


ROWS = st.lists(st.integers(0, 11), min_size=1, max_size=12)


@given(ROWS, ROWS)
def test_equals_comparing_each_with_each(a: list[int], b: list[int]) -> None:
    expected = [place for place, row in enumerate(b) if row in a]
    assert data.find_overlap(of(a), of(b, label=1)).tolist() == expected


def test_a_single_changed_pixel_is_another_image() -> None:
    changed = of([0, 1, 2])
    changed.images = changed.images.clone()
    changed.images[1, 2, 3, 3] ^= 1
    assert data.find_overlap(of([0, 1, 2]), changed).tolist() == [0, 2]


def test_drop_overlap() -> None:
    left = data.drop_overlap(of([0, 1, 2]), of([5, 1, 6, 0]))
    assert torch.equal(left.images, POOL[[5, 6]])
    assert data.find_overlap(of([0, 1, 2]), left).tolist() == []


@given(ROWS)
def test_duplicates_are_all_but_the_first(rows: list[int]) -> None:
    expected = [place for place, row in enumerate(rows) if row in rows[:place]]
    assert data.find_duplicates(of(rows)).tolist() == expected


def test_other_sizes_cannot_be_equal() -> None:
    with pytest.raises(SettingError, match="cannot be equal"):
        data.find_overlap(of([0]), data.ArrayDataset(pixels(1, 8), [0], ["a"]))
