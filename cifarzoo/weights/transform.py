"""From pictures of any kind and size to the normalised batch that weights expect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cifarzoo.errors import DataError, SettingError
from cifarzoo.weights.cards import Card
from cifarzoo.weights.search import info

if TYPE_CHECKING:
    from PIL import Image

    Picture: TypeAlias = Tensor | np.ndarray[Any, Any] | Image.Image
    Pictures: TypeAlias = Picture | Sequence[Picture]


_RGB = 3


@dataclass(frozen=True, kw_only=True)
class Transform:
    """Cut the middle square out, resize it with antialiasing, scale to 0 ... 1 and take mean and std off.

    Args:
        size_px: side of the square that the weights expect.
        mean: of pixel / 255, one number a channel.
        std: the standard deviation, likewise.
    """

    size_px: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, card: Card, *, size_px: int) -> Transform:
        """What a card asks for; ``size_px`` where it names no size.

        Raises:
            SettingError: the card has no mean and std.
        """
        if card.mean is None or card.std is None:
            raise SettingError(f"the card of {card.arch} has no mean and std; train it with cifarzoo.Trainer")
        return cls(size_px=card.input_size or size_px, mean=tuple(card.mean), std=tuple(card.std))

    def __call__(self, images: Pictures) -> Tensor:
        """Prepare pictures.

        Args:
            images: a PIL image of any mode (turned as its EXIF orientation says); an (H, W) or (H, W, 3) uint8 array;
                a (C, H, W) or (B, C, H, W) uint8 tensor, or such an array of rank 4; or a list of any of these, each of
                its own size.

        Returns:
            (B, C, size_px, size_px) float32, normalised; B is 1 for a single picture.

        Raises:
            SettingError: another type, shape or number of channels, no pixels, or numbers of more than 16 bits.
        """
        pixels = self.resize(images)
        shape = (1, -1, 1, 1)
        mean, std = (torch.tensor(x, device=pixels.device).view(shape) for x in (self.mean, self.std))  # (1, C, 1, 1)
        return (pixels - mean) / std

    def resize(self, images: Pictures) -> Tensor:
        """The same without the last step: (B, C, size_px, size_px) float32 of pixel / 255."""
        if isinstance(images, (list, tuple)):
            if not images:
                return torch.empty(0, len(self.mean), self.size_px, self.size_px)
            return torch.cat([self.resize(image) for image in images])  # (B, C, size_px, size_px)
        batch = _as_batch(images, self.size_px, channels=len(self.mean))  # (B, C, H, W)
        if batch.shape[1] == _RGB and len(self.mean) == 1:
            batch = _to_grey(batch)  # (B, 1, H, W)
        elif batch.shape[1] != len(self.mean):
            if batch.shape[1] != 1:
                raise SettingError(f"images have {batch.shape[1]} channels, the weights take {len(self.mean)}")
            batch = batch.expand(-1, len(self.mean), -1, -1)  # grey: (B, C, H, W)
        return _squared(batch, self.size_px)


def transform(name: str) -> Transform:
    """What weights expect of their input.

    Args:
        name: ``arch.tag``, or ``arch`` for its default tag.

    Raises:
        UnknownModelError: there are no such weights.
    """
    card = info(name)
    if card.input_size is None:
        raise SettingError(f"the card of {name!r} names no input_size; publish it again")
    return Transform.of(card, size_px=card.input_size)


def _as_batch(images: Any, size_px: int, *, channels: int) -> Tensor:
    """Any accepted picture or batch as (B, C, H, W) uint8."""
    tensor: Any
    if isinstance(images, np.ndarray) and images.dtype == np.uint8 and images.ndim in (2, 3, 4):
        tensor = torch.from_numpy(images.copy())  # a copy, since torch takes no read-only or mirrored arrays
        if images.ndim < 4 and images.size:
            tensor = tensor.view(*images.shape[:2], -1).permute(2, 0, 1)  # (C, H, W)
    elif isinstance(images, (Tensor, np.ndarray)):
        tensor = images
    else:
        tensor = _of_picture(images, size_px, channels=channels)  # (C, size_px, size_px)
    right_kind = isinstance(tensor, Tensor) and tensor.dtype == torch.uint8 and tensor.ndim in (3, 4)
    if not right_kind or 0 in tensor.shape[-3:]:
        raise SettingError(
            f"images (shape {tuple(tensor.shape)}, {tensor.dtype}) must be (B, C, H, W) or (C, H, W) uint8, an "
            "(H, W, 3) uint8 array or a PIL image; give pixels of 0 ... 255, not normalised ones"
        )
    batch: Tensor = tensor if tensor.ndim == 4 else tensor[None]
    return batch


def _of_picture(image: Any, size_px: int, *, channels: int) -> Tensor:
    """A PIL image as (C, size_px, size_px) uint8."""
    from PIL import Image

    from cifarzoo.data.readers.picture import squared

    if not isinstance(image, Image.Image):
        raise SettingError(f"images (={type(image).__name__}) must be a PIL image, a uint8 array or a uint8 tensor")
    try:
        picture = squared(image, size_px)
    except DataError as error:
        raise SettingError(f"the PIL image {error}") from None
    array = np.array(picture.convert("L") if channels == 1 else picture)
    return torch.from_numpy(array).view(size_px, size_px, -1).permute(2, 0, 1)  # (C, size_px, size_px)


def _to_grey(batch: Tensor) -> Tensor:
    """(B, 3, H, W) uint8 to (B, 1, H, W), as Pillow makes grey of colours (ITU-R 601-2)."""
    shares = torch.tensor([19595, 38470, 7471], dtype=torch.int32, device=batch.device).view(1, 3, 1, 1)
    return ((batch * shares).sum(1, keepdim=True) + 0x8000 >> 16).to(torch.uint8)


def _squared(batch: Tensor, size_px: int) -> Tensor:
    """(B, C, H, W) uint8 to the middle square resized: (B, C, size_px, size_px) float32 of pixel / 255."""
    height, width = batch.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    pixels = batch[..., top : top + side, left : left + side].float() / 255  # (B, C, side, side)
    if side == size_px:
        return pixels
    return F.interpolate(pixels, (size_px, size_px), mode="bilinear", antialias=True)  # (B, C, size_px, size_px)
