"""What a reader finds in a source: labels at once, pixels on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cifarzoo.data.readers import picture
from cifarzoo.data.readers.files import Files
from cifarzoo.errors import DataError

_BLOCK = 64  # images decoded before their colour planes are separated, so that they are still in the processor's cache

Failures = list[tuple[int, str]]  # (row, what is wrong with it, file and member named)
Decode = Callable[[bytes, np.ndarray], None]  # a picture file's content, to (H, W, 3) uint8


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


@dataclass(frozen=True, kw_only=True)
class EncodedPixels:
    """Pixels in one picture file for each row.

    Attributes:
        read: gives a row's file; what it raises names the file.
        name: the name of a row's file, for messages about what is in it.
        decode: makes pixels of it.
    """

    read: Callable[[int], bytes]
    name: Callable[[int], str]
    decode: Decode = picture.decode_into

    def fill(self, first: int, out: np.ndarray) -> Failures:
        """Decode rows."""
        failures: Failures = []
        count, _, height, width = out.shape
        block = np.empty((_BLOCK, height, width, 3), dtype=np.uint8)
        for start in range(0, count, _BLOCK):
            stop = min(start + _BLOCK, count)
            for place in range(start, stop):
                failure = self._decode_row(first + place, block[place - start])
                if failure:
                    failures.append((first + place, failure))
            out[start:stop] = block[: stop - start].transpose(0, 3, 1, 2)  # (n, 3, H, W)
        return failures

    def _decode_row(self, row: int, image: np.ndarray) -> str:
        """Decode one picture; what is wrong with it, or nothing."""
        try:
            content = self.read(row)
        except DataError as error:
            return str(error)
        try:
            self.decode(content, image)
        except DataError as error:
            return f"{self.name(row)} {error}"
        return ""


def encoded_files(files: Files, names: Sequence[str], decode: Decode = picture.decode_into) -> EncodedPixels:
    """Pixels in files of a folder or an archive."""
    return EncodedPixels(
        read=lambda row: files.read(names[row]), name=lambda row: f"{files.path}: {names[row]}", decode=decode
    )
