"""Facts of the official sets: consistent with each other and with what is published."""

from __future__ import annotations

import re

import pytest

from cifarzoo.data import specs

TOTALS = {"cifar10": (50_000, 10_000), "cifar100": (50_000, 10_000), "tiny_imagenet": (100_000, 10_000)}


@pytest.mark.parametrize("spec", [specs.CIFAR10, specs.CIFAR100, specs.TINY_IMAGENET], ids=lambda spec: spec.name)
def test_counts_and_archive(spec: specs.Spec) -> None:
    assert tuple(count * spec.num_classes for count in spec.per_class.values()) == TOTALS[spec.name]
    assert re.fullmatch("[0-9a-f]{64}", spec.archive.sha256)
    assert spec.archive.url.startswith("https://")
    assert spec.archive.url.endswith(f"/{spec.archive.name}")
    assert all(0.2 < value < 0.6 for value in (*spec.mean, *spec.std))


def test_superclasses() -> None:
    """20 families of five; the labels of the classes are their places in the alphabet."""
    assert len(specs.CIFAR100_FAMILIES) == 20
    assert {len(family) for family in specs.CIFAR100_FAMILIES.values()} == {5}
    assert len(set(specs.CIFAR100_CLASSES)) == 100
    assert specs.CIFAR100_CLASSES[:3] == ("apple", "aquarium_fish", "baby")
    for fine, coarse in zip(specs.CIFAR100_CLASSES, specs.CIFAR100_COARSE_OF_FINE, strict=True):
        assert fine in specs.CIFAR100_FAMILIES[specs.CIFAR100_COARSE_CLASSES[coarse]]
    # The first ten and the last, as the published batches pair them.
    assert specs.CIFAR100_COARSE_OF_FINE[:10] == (4, 1, 14, 8, 0, 6, 7, 7, 18, 3)
    assert specs.CIFAR100_COARSE_OF_FINE[-1] == 13
