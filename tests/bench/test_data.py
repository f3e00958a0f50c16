"""The whole benchmark on small fakes: every figure of the record is there, and it is JSON."""

import contextlib
import json
from functools import partial

import pytest
from data_fakes import binary10, tiny_members, write_files, write_zip

from cifarzoo.bench import contest, data
from cifarzoo.bench.data import bench_data


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Fakes instead of whole sets, and neighbours that are left out."""
    for name in ("TinyImageNet", "CIFAR10"):
        monkeypatch.setattr(data, name, partial(getattr(data, name), partial=True))
    monkeypatch.setattr(contest, "_neighbours", contextlib.nullcontext)


def assert_complete(record, peer):
    assert record["images"] > 0
    rates = record["images_per_s"]
    assert {"cifarzoo", "cifarzoo, channels_last", "plain in memory", peer} <= rates.keys()
    assert all(len(rate["rounds"]) == 2 and rate["median"] > 0 for rate in rates.values())
    assert record["times_faster_than"].keys() == rates.keys() - {"cifarzoo"}
    assert record["share_left_beside_busy_neighbours"]["cifarzoo"] > 0
    assert record["memory"] is None or record["memory"]["epoch_mb"] >= 0


def test_tiny_imagenet(tmp_path):
    write_zip(tmp_path / "tiny-imagenet-200.zip", tiny_members())
    record = bench_data(tiny_imagenet=tmp_path, batch_size=4, rounds=2)
    assert json.loads(json.dumps(record)) == record
    assert "cifar10" not in record
    assert_complete(record["tiny_imagenet"], "ImageFolder + DataLoader(2)")
    assert record["tiny_imagenet"]["open"]["first_s"] > 0


def test_cifar10(tmp_path):
    write_files(tmp_path, binary10(per_batch=20)[0])
    record = bench_data(cifar10=str(tmp_path), batch_size=4, rounds=2)
    assert json.loads(json.dumps(record)) == record
    assert "tiny_imagenet" not in record
    assert_complete(record["cifar10"], "torchvision CIFAR10 + DataLoader(2)")
