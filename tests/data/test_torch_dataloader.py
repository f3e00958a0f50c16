"""The sets in torch's own DataLoader, its workers forked or spawned, the images mapped or the process's own."""

import pickle

import pytest
import torch
from data_fakes import binary10, write_files
from torch.utils.data import DataLoader

from cifarzoo.data import CIFAR10


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar")
    members, _, _ = binary10(per_batch=20)
    return write_files(folder / "cifar-10-batches-bin", members)


@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")  # a machine with one processor
@pytest.mark.parametrize("workers, method", [(0, None), (2, "fork"), (1, "spawn")])
@pytest.mark.parametrize("mapped", [True, False])
def test_batches_are_those_of_the_set(folder, tmp_path, workers, method, mapped):
    dataset = CIFAR10(folder, cache=tmp_path if mapped else None, partial=True)
    assert (dataset.cache_file is not None) == mapped
    loader = DataLoader(dataset, 16, num_workers=workers, multiprocessing_context=method)
    batches = list(loader)
    assert len(batches) == len(loader) == 7
    assert torch.equal(torch.cat([images for images, _ in batches]), dataset.images)
    assert torch.equal(torch.cat([targets for _, targets in batches]), dataset.targets)
    assert batches[0][1].dtype == torch.int64


def test_a_mapped_set_is_sent_by_the_name_of_its_file(folder, tmp_path):
    dataset = CIFAR10(folder, cache=tmp_path, partial=True)
    sent = pickle.dumps(dataset)
    assert len(sent) < dataset.images.nbytes // 10
    there = pickle.loads(sent)
    assert torch.equal(there.images, dataset.images)
    assert there.cache_file == dataset.cache_file
