"""Other ways to augmented, normalised batches: torchvision's, kornia's and airbench's."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.augment import Pipeline, RandomCrop, RandomTranslate
from cifarzoo.data import Dataset
from cifarzoo.errors import SettingError

Contestant = Callable[[], int]
PRESETS = ("baseline", "airbench", "strong", "trivial", "randaugment")  # those that have peers


def reach_px(pipeline: Pipeline) -> int:
    """How far a preset shifts images."""
    for op in pipeline.ops:
        if isinstance(op, RandomCrop):
            return op.padding_px
        if isinstance(op, RandomTranslate):
            return op.max_px
    return 0


def torchvision_loader(
    preset: str, reach: int, pictures: Sequence[Any], dataset: Dataset, batch_size: int, *, workers: int = 2
) -> Contestant:
    """Torchvision's v2 transforms on one picture at a time, in a DataLoader whose workers are running already.

    Args:
        preset: which of ``PRESETS``.
        reach: px by which it shifts.
        pictures: encoded files as bytes, or arrays (H, W, 3) uint8: what torchvision's own data sets hold.
        dataset: for mean and std.
        batch_size: images in a batch.
        workers: processes.
    """
    from PIL import Image
    from torch.utils.data import DataLoader
    from torchvision.transforms import v2  # type: ignore[import-untyped]  # it ships no types

    size = dataset.images.shape[-1]
    shift = [v2.RandomCrop(size, padding=reach, padding_mode="reflect" if preset == "airbench" else "constant")]
    steps = {
        "baseline": shift,
        "airbench": shift,
        "strong": [
            v2.RandomAffine(15, (0.1, 0.1), (0.9, 1.1), 10, interpolation=v2.InterpolationMode.BILINEAR),
            v2.ColorJitter(0.3, 0.3, 0.3, 0.1),
        ],
        "trivial": [*shift, v2.TrivialAugmentWide()],
        "randaugment": [*shift, v2.RandAugment(2, 9)],
    }[preset]
    last = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(dataset.mean, dataset.std)]
    transform = v2.Compose([v2.RandomHorizontalFlip(), *steps, *last])

    class Pictures(torch.utils.data.Dataset[Tensor]):
        def __len__(self) -> int:
            return len(pictures)

        def __getitem__(self, index: int) -> Tensor:
            content = pictures[index]
            picture = Image.open(io.BytesIO(content)) if isinstance(content, bytes) else Image.fromarray(content)
            augmented: Tensor = transform(picture.convert("RGB"))
            return augmented

    loader = DataLoader(
        Pictures(), batch_size, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=workers > 0
    )

    def run() -> int:
        return sum(len(images) for images in loader)

    return run


def kornia_batches(preset: str, reach: int, dataset: Dataset, batch_size: int) -> Contestant:
    """Kornia's modules on whole batches; its policies draw one operation for a batch."""
    import kornia.augmentation as kornia

    size = dataset.images.shape[-1]
    mode = "reflect" if preset == "airbench" else "constant"
    shift = [kornia.RandomCrop((size, size), padding=reach, padding_mode=mode)]
    steps: list[Any] = {
        "baseline": shift,
        "airbench": shift,
        "strong": [
            kornia.RandomAffine(15.0, (0.1, 0.1), (0.9, 1.1), 10.0, p=1.0),
            kornia.ColorJitter(0.3, 0.3, 0.3, 0.1, p=1.0),
        ],
        "trivial": [*shift, kornia.auto.TrivialAugment()],
        "randaugment": [*shift, kornia.auto.RandAugment(n=2, m=9)],
    }[preset]
    normalize = kornia.Normalize(torch.tensor(dataset.mean), torch.tensor(dataset.std))
    modules = torch.nn.Sequential(kornia.RandomHorizontalFlip(p=0.5), *steps, normalize)

    def run() -> int:
        for rows in _batches(dataset, batch_size):
            modules(dataset.images[rows].float().div_(255))
        return len(dataset) // batch_size * batch_size

    return run


def airbench_epoch(preset: str, reach: int, dataset: Dataset, batch_size: int) -> Contestant:
    """Airbench's method: the whole set normalised and padded once, then flipped and cropped by masks every epoch."""
    if preset not in ("baseline", "airbench"):
        raise SettingError(f"preset (={preset!r}) is more than airbench does; choose 'baseline' or 'airbench'")
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (dataset.mean, dataset.std))
    images = dataset.images.float().div_(255).sub_(mean).div_(std)  # (N, C, H, W)
    padded = F.pad(images, [reach] * 4, mode="reflect" if preset == "airbench" else "constant")
    cropped = torch.empty_like(images)

    epoch = 0

    def run() -> int:
        nonlocal epoch
        _crop_by_masks(padded, cropped, reach)
        if preset == "airbench":  # the first epoch's random flip is in the cache: every second one flips all
            flipped = cropped.flip(-1) if epoch % 2 else cropped
        else:
            flipped = torch.where((torch.rand(len(cropped)) < 0.5).view(-1, 1, 1, 1), cropped.flip(-1), cropped)
        epoch += 1
        for rows in _batches(dataset, batch_size):
            flipped[rows]
        return len(dataset) // batch_size * batch_size

    return run


def _crop_by_masks(padded: Tensor, cropped: Tensor, reach: int) -> None:
    """A random window of each padded image: all images of one shift at once, and many shifts in two directions."""
    size, window = cropped.shape[-1], padded.shape[-1]
    shifts = torch.randint(0, 2 * reach + 1, (len(padded), 2))
    places = range(2 * reach + 1)
    if reach <= 2:
        for top, left in product(places, places):
            mask = (shifts[:, 0] == top) & (shifts[:, 1] == left)
            cropped[mask] = padded[mask, :, top : top + size, left : left + size]
        return
    rows = torch.empty(len(padded), padded.shape[1], size, window)
    for top in places:
        mask = shifts[:, 0] == top
        rows[mask] = padded[mask, :, top : top + size]
    for left in places:
        mask = shifts[:, 1] == left
        cropped[mask] = rows[mask, :, :, left : left + size]


def _batches(dataset: Dataset, batch_size: int) -> Sequence[Tensor]:
    """The rows of each whole batch of an epoch."""
    count = len(dataset) // batch_size * batch_size
    batches: tuple[Tensor, ...] = torch.randperm(len(dataset))[:count].split(batch_size)  # type: ignore[no-untyped-call]
    return batches
