"""Other ways to normalised float batches: what users do without this package."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cifarzoo.data import Dataset
from cifarzoo.errors import DataError

Contestant = Callable[[], int]


def in_memory(dataset: Dataset, batch_size: int) -> dict[str, Contestant]:
    """Whole batches without this package, and the least work that any way must do."""
    mean, std = (255 * torch.tensor(x).view(1, -1, 1, 1) for x in (dataset.mean, dataset.std))
    inverse = 1 / std
    count = len(dataset) // batch_size * batch_size
    out = torch.empty(batch_size, *dataset.images.shape[1:])
    pixels = torch.empty(out.shape, dtype=torch.uint8)

    def plain() -> int:
        for rows in torch.randperm(len(dataset))[:count].split(batch_size):  # type: ignore[no-untyped-call]
            _ = dataset.images[rows].float().sub_(mean).mul_(inverse), dataset.targets[rows]
        return count

    def bound() -> int:
        for rows in torch.randperm(len(dataset))[:count].split(batch_size):  # type: ignore[no-untyped-call]
            torch.index_select(dataset.images, 0, rows, out=pixels)
            out.fill_(1.0)
        return count

    return {"plain in memory": plain, "bound: gather bytes, fill floats": bound}


def image_folder(folder: Path, dataset: Dataset, batch_size: int) -> Contestant:
    """Image files with torchvision and two workers."""
    from torchvision.datasets import ImageFolder  # type: ignore[import-untyped]  # it ships no types

    return _data_loader(ImageFolder(folder, _transform(dataset)), batch_size, workers=2)


def torchvision_cifar10(dataset: Dataset, batch_size: int) -> Contestant:
    """Torchvision's own class and two workers, its arrays filled by us instead of from pickles."""
    from torchvision.datasets import CIFAR10

    peer = CIFAR10.__new__(CIFAR10)
    peer.data = dataset.images.permute(0, 2, 3, 1).contiguous().numpy()  # (N, H, W, C)
    peer.targets = dataset.targets.tolist()
    peer.transform, peer.target_transform = _transform(dataset), None
    return _data_loader(peer, batch_size, workers=2)


def hugging_face(encoded: Sequence[bytes], dataset: Dataset, batch_size: int) -> dict[str, Contestant]:
    """``datasets`` with encoded images: its torch format, and a transform of ours."""
    import datasets  # type: ignore[import-untyped]  # it ships no types

    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    columns = {"image": [{"bytes": content} for content in encoded], "label": [0] * len(encoded)}
    table = datasets.Dataset.from_dict(columns, features=features)
    mean, std = (255 * torch.tensor(x).view(1, -1, 1, 1) for x in (dataset.mean, dataset.std))
    transform = _transform(dataset)

    def normalized(rows: Iterable[Mapping[str, Tensor]]) -> Tensor:
        return torch.stack([row["image"].expand(3, -1, -1) for row in rows]).float().sub_(mean).div_(std)

    def transformed(rows: Mapping[str, Any]) -> dict[str, Any]:
        return {"image": [transform(image.convert("RGB")) for image in rows["image"]], "label": rows["label"]}

    torch_format = table.with_format("torch")
    return {
        "datasets, torch format": _data_loader(torch_format, batch_size, workers=0, collate_fn=normalized),
        "datasets, set_transform + DataLoader(2)": _data_loader(
            table.with_transform(transformed), batch_size, workers=2
        ),
    }


def encode_png(images: Tensor) -> list[bytes]:
    """(N, 3, H, W) uint8 as PNG files."""
    from PIL import Image

    encoded = []
    for image in images.permute(0, 2, 3, 1).numpy():  # (H, W, C)
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PNG")
        encoded.append(file.getvalue())
    return encoded


def unpack_some(root: Path, folder: Path, *, each: int) -> list[bytes]:
    """Unpack the first ``each`` training images of every class of the official zip; also return their bytes.

    Raises:
        DataError: the zip is not there.
    """
    path = root / "tiny-imagenet-200.zip" if root.is_dir() else root
    if path.suffix != ".zip" or not path.is_file():
        raise DataError(f"{path} is not there; name the folder that holds the official tiny-imagenet-200.zip")
    taken: dict[str, int] = {}
    contents = []
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            parts = Path(member).parts  # tiny-imagenet-200 / train / <wnid> / images / <name>.JPEG
            if len(parts) == 5 and parts[1] == "train" and taken.get(parts[2], 0) < each:
                taken[parts[2]] = taken.get(parts[2], 0) + 1
                contents.append(archive.read(member))
                target = folder / parts[2] / parts[4]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(contents[-1])
    return contents


def _transform(dataset: Dataset) -> Callable[[Any], Tensor]:
    from torchvision.transforms import v2  # type: ignore[import-untyped]  # it ships no types

    steps = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(dataset.mean), list(dataset.std))]
    composed: Callable[[Any], Tensor] = v2.Compose(steps)
    return composed


def _data_loader(peer: Any, batch_size: int, *, workers: int, collate_fn: Any = None) -> Contestant:
    loader = torch.utils.data.DataLoader(
        peer, batch_size, shuffle=True, drop_last=True, num_workers=workers, collate_fn=collate_fn
    )

    def run() -> int:
        for _ in loader:
            pass
        return len(loader) * batch_size

    return run
