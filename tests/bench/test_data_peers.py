"""Every peer gives what the loader gives: otherwise their speeds could not be compared."""

import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from cifarzoo.bench import data_peers
from cifarzoo.data import ArrayDataset
from cifarzoo.errors import DataError


@pytest.fixture(scope="module")
def dataset():
    images = torch.randint(256, (24, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return ArrayDataset(images, torch.arange(24) % 3, ["a", "b", "c"])


def sums(batches):
    """One number an image, in any order."""
    return torch.cat([batch.double().flatten(1).sum(1) for batch in batches]).sort().values


@pytest.fixture
def seen(monkeypatch):
    """The batches that a torch DataLoader gave."""
    batches = []
    iterate = torch.utils.data.DataLoader.__iter__

    def watched(self):
        for batch in iterate(self):
            images = (
                batch if isinstance(batch, torch.Tensor) else batch["image"] if isinstance(batch, dict) else batch[0]
            )
            batches.append(images.clone())
            yield batch

    monkeypatch.setattr(torch.utils.data.DataLoader, "__iter__", watched)
    return batches


def normalized(dataset):
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (dataset.mean, dataset.std))
    return (dataset.images / 255 - mean) / std


def assert_same(batches, dataset):
    assert all(batch.dtype == torch.float32 and batch.shape == (6, 3, 32, 32) for batch in batches)
    torch.testing.assert_close(sums(batches), sums([normalized(dataset)]), rtol=1e-4, atol=1e-2)


def test_in_memory(dataset):
    contestants = data_peers.in_memory(dataset, 7)
    assert len(contestants) == 2
    assert [run() for run in contestants.values()] == [21, 21]


def test_torchvision_cifar10(dataset, seen):
    assert data_peers.torchvision_cifar10(dataset, 6)() == 24
    assert_same(seen, dataset)


def test_image_folder(dataset, seen, tmp_path):
    for index, content in enumerate(data_peers.encode_png(dataset.images)):
        path = tmp_path / f"class{index % 2}" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    assert data_peers.image_folder(tmp_path, dataset, 6)() == 24
    assert_same(seen, dataset)


def test_hugging_face(dataset, seen):
    contestants = data_peers.hugging_face(data_peers.encode_png(dataset.images), dataset, 6)
    assert len(contestants) == 2
    for run in contestants.values():
        seen.clear()
        assert run() == 24
        assert_same(seen, dataset)


def test_png_is_lossless(dataset, tmp_path):
    (tmp_path / "x.png").write_bytes(data_peers.encode_png(dataset.images)[3])
    assert np.array_equal(np.asarray(Image.open(tmp_path / "x.png")).transpose(2, 0, 1), dataset.images[3].numpy())


def test_unpack_some(tmp_path):
    path = tmp_path / "tiny-imagenet-200.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny-imagenet-200/wnids.txt", "a\nb\n")
        for wnid in "ab":
            archive.writestr(f"tiny-imagenet-200/train/{wnid}/{wnid}_boxes.txt", "")
            for number in range(5):
                archive.writestr(f"tiny-imagenet-200/train/{wnid}/images/{wnid}_{number}.JPEG", f"{wnid}{number}")
        archive.writestr("tiny-imagenet-200/val/images/val_0.JPEG", "v")
    for root in (tmp_path, path):
        assert data_peers.unpack_some(root, tmp_path / "out", each=2) == [b"a0", b"a1", b"b0", b"b1"]
    files = {file.relative_to(tmp_path / "out").as_posix() for file in (tmp_path / "out").rglob("*.JPEG")}
    assert files == {"a/a_0.JPEG", "a/a_1.JPEG", "b/b_0.JPEG", "b/b_1.JPEG"}
    with pytest.raises(DataError, match=r"tiny-imagenet-200\.zip is not there"):
        data_peers.unpack_some(tmp_path / "out", tmp_path, each=2)
