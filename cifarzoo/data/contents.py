"""What a reader finds in a source: labels at once, pixels on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cifarzoo.data.decode import decode
from cifarzoo.errors import CifarZooError

Failures = list[tuple[int, str]]  # (row, what is wrong with it, file and member named)


class Pixels(Protocol):
    """A source of pixels."""

    def fill(self, first: int, out: np.ndarray) -> Failures:
        """Write the images from row ``first`` on to ``out`` (n, 3, H, W) uint8; report those that cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Everything about a set but its pixels, and where to get these."""

    pixels: Pixels
    targets: np.ndarray  # (N,) int64
    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    size_px: tuple[int, int]  # height, width
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)  # further (N,) int64


@dataclass(frozen=True)
class RawPixels:
    """Pixels that lie there decoded."""

    images: np.ndarray  # (N, 3, H, W) uint8

    def fill(self, first: int, out: np.ndarray) -> Failures:
        """Copy rows."""
        out[:] = self.images[first : first + len(out)]
        return []


@dataclass(frozen=True)
class EncodedPixels:
    """Pixels in one compressed picture for each row."""

    names: Sequence[str]  # for messages: file and member
    read: Callable[[int], bytes]

    def fill(self, first: int, out: np.ndarray) -> Failures:
        """Decode rows."""
        failures: Failures = []
        for place, image in enumerate(out):
            row = first + place
            try:
                picture = decode(self.read(row), size_px=(image.shape[1], image.shape[2]))  # (H, W, 3)
                image[:] = picture.transpose(2, 0, 1)  # (3, H, W)
            except CifarZooError as error:
                failures.append((row, f"{self.names[row]}: {error}"))
        return failures
