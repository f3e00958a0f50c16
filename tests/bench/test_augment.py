"""The whole benchmark on small fakes: every figure of the record is there, and it is JSON."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from data_fakes import binary10, tiny_members, write_files, write_zip

from cifarzoo.bench import augment
from cifarzoo.bench.augment import bench_augment

TORCHVISION, AIRBENCH = "torchvision v2 + DataLoader(2)", "airbench's method"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TinyImageNet", "CIFAR10"):
        monkeypatch.setattr(augment, name, partial(getattr(augment, name), partial=True))


def assert_complete(record: dict, *peers: str) -> None:
    rates = record["images_per_s"]
    assert {"cifarzoo", "cifarzoo, bfloat16", "cifarzoo, Loader", *peers} <= rates.keys()
    assert all(len(rate["rounds"]) == 2 and rate["median"] > 0 for rate in rates.values())
    assert record["times_faster_than"].keys() == rates.keys() - {"cifarzoo"}
    assert 0 < record["share_of_a_training_step"] < 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning:multiprocessing", "ignore::DeprecationWarning:kornia")
def test_cifar10(tmp_path: Path) -> None:
    write_files(tmp_path, binary10(per_batch=20)[0])
    record = bench_augment(cifar10=tmp_path, presets=("baseline", "rrc"), batch_size=4, images=32, rounds=2)
    assert json.loads(json.dumps(record)) == record
    assert "tiny_imagenet" not in record
    assert record["cifar10"]["training_step_images_per_s"] > 0
    assert_complete(record["cifar10"]["baseline"], TORCHVISION, AIRBENCH)
    assert_complete(record["cifar10"]["rrc"])
    assert TORCHVISION not in record["cifar10"]["rrc"]["images_per_s"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:multiprocessing", "ignore::DeprecationWarning:kornia")
def test_tiny_imagenet(tmp_path: Path) -> None:
    write_zip(tmp_path / "tiny-imagenet-200.zip", tiny_members())
    record = bench_augment(tiny_imagenet=tmp_path, presets=("trivial",), batch_size=4, images=8, rounds=2)
    assert_complete(record["tiny_imagenet"]["trivial"], TORCHVISION)
