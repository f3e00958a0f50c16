"""Splits, subsets and concatenations."""

from __future__ import annotations

import pytest
import torch
from data_fakes import pixels
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo import data
from cifarzoo.data.parts import sample, stratified
from cifarzoo.errors import SettingError


def numbered(counts: list[int]) -> data.ArrayDataset:
    """A set whose images are their own indices."""
    targets = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    images = torch.arange(len(targets), dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)
    dataset = data.ArrayDataset(images, targets, [f"c{label}" for label in range(len(counts))])
    dataset.columns["rows"] = torch.arange(len(targets))
    return dataset


@given(st.lists(st.integers(0, 30), min_size=1, max_size=6).filter(any), st.floats(0.01, 0.99), st.integers(0, 2**40))
def test_stratified(counts: list[int], fraction: float, seed: int) -> None:
    targets = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    rest, held_out = stratified(targets, fraction, seed=seed)
    assert torch.equal(torch.cat([rest, held_out]).sort().values, torch.arange(len(targets)))
    assert torch.equal(rest, rest.sort().values)
    assert torch.equal(held_out, held_out.sort().values)
    for count, held in zip(counts, targets[held_out].bincount(minlength=len(counts)).tolist(), strict=True):
        assert abs(held - fraction * count) <= 1
        assert count < 2 or 0 < held < count


def test_stratified_depends_on_the_seed_only() -> None:
    targets = torch.arange(10).repeat(20)
    first = stratified(targets, 0.3, seed=1)[1]
    assert torch.equal(first, stratified(targets, 0.3, seed=1)[1])
    assert not torch.equal(first, stratified(targets, 0.3, seed=2)[1])


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan")])
def test_fractions_outside_are_refused(fraction: float) -> None:
    with pytest.raises(SettingError, match=r"must be above 0 and below 1"):
        data.split(numbered([3, 3]), fraction, seed=0)


def test_split_gives_disjoint_sets_of_the_same_kind() -> None:
    dataset = numbered([20, 10])
    rest, held_out = data.split(dataset, 0.2, seed=3)
    assert (len(rest), len(held_out)) == (24, 6)
    assert held_out.targets.bincount().tolist() == [4, 2]
    assert not set(rest.images[:, 0, 0, 0].tolist()) & set(held_out.images[:, 0, 0, 0].tolist())
    assert (rest.classes, rest.mean, rest.split) == (dataset.classes, dataset.mean, dataset.split)
    assert len({dataset.fingerprint, rest.fingerprint, held_out.fingerprint}) == 3


def test_a_sample_has_the_same_share_of_each_class() -> None:
    whole = numbered([30, 60])
    some = sample(whole, 30, seed=1)
    assert some.targets.bincount().tolist() == [10, 20]
    assert sample(whole, 90) is whole and sample(whole, 91) is whole
    assert not torch.equal(sample(whole, 30, seed=2).images, some.images)


@given(st.lists(st.integers(0, 29), max_size=12))
def test_subset_takes_the_rows_in_their_order(rows: list[int]) -> None:
    dataset = numbered([20, 10])
    part = data.subset(dataset, rows)
    assert part.images[:, 0, 0, 0].tolist() == rows
    assert part.columns["rows"].tolist() == rows
    assert torch.equal(part.targets, dataset.targets[rows])
    assert type(part) is type(dataset)
    assert (part.fingerprint == data.subset(dataset, list(reversed(rows))).fingerprint) == (rows == rows[::-1])
    assert len(dataset) == 30


@pytest.mark.parametrize("rows", [[30], [-1], [[0]], [True] * 30, [0.5]])
def test_rows_outside_are_refused(rows: list[int]) -> None:
    with pytest.raises(SettingError, match=r"must be a list of whole numbers in 0 ... 29"):
        data.subset(numbered([20, 10]), rows)


def test_concat_is_the_inverse_of_subset() -> None:
    dataset = numbered([5, 7])
    parts = [data.subset(dataset, list(range(4))), data.subset(dataset, list(range(4, 12)))]
    whole = data.concat(parts)
    assert torch.equal(whole.images, dataset.images)
    assert torch.equal(whole.targets, dataset.targets)
    assert torch.equal(whole.columns["rows"], dataset.columns["rows"])
    assert whole.fingerprint != data.concat(parts[::-1]).fingerprint


def test_concat_refuses_what_does_not_fit() -> None:
    dataset = numbered([5, 7])
    other_classes = data.ArrayDataset(pixels(2, 2), [0, 1], ["x", "y"])
    other_size = data.ArrayDataset(pixels(2, 4), [0, 1], ["c0", "c1"])
    for other in (other_classes, other_size):
        with pytest.raises(SettingError, match="differ in classes or image size"):
            data.concat([dataset, other])
    with pytest.raises(SettingError, match="at least one"):
        data.concat([])
