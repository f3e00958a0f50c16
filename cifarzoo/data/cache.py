"""Decoded sets as files to map: whole or absent, noticed when they are damaged, shared by every process.

A file holds the pixels from its first byte on, then the targets and further columns, then a header in JSON, the
header's SHA-256, its length and a magic number. What is missing at the end is thereby noticed at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from torch import Tensor

from cifarzoo.data.measure import fingerprint
from cifarzoo.errors import CifarZooError, IntegrityError
from cifarzoo.files import locked, user_cache

VERSION = 2  # of the file's layout
SUFFIX = ".images"
_MAGIC = b"CIFARZOO"
_TAIL = struct.Struct("<32sQ8s")  # the header's SHA-256, its length in bytes, the magic number
_MAX_HEADER_BYTES = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Arrays:
    """A set's numbers: from a cache file, or the process's own."""

    images: Tensor  # (N, 3, H, W) uint8
    targets: Tensor  # (N,) int64
    columns: Mapping[str, Tensor]  # further (N,) int64
    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    fingerprint: str
    skipped: int = 0  # images of the source that could not be decoded and were left out
    mean: tuple[float, ...] = ()  # where it was measured
    std: tuple[float, ...] = ()
    file: Path | None = None


def folder(where: Path | str | None = "auto") -> Path | None:
    """The cache's folder: ``where``, or for "auto" $CIFARZOO_CACHE or the user's cache folder; None stays None."""
    if where is None:
        return None
    if str(where) != "auto":
        return Path(where)
    return user_cache()


def write_tail(file: BinaryIO, arrays: Mapping[str, np.ndarray], header: Mapping[str, Any]) -> None:
    """Append columns and header to a file that holds the pixels already."""
    places = {}
    for name, column in arrays.items():
        content = np.ascontiguousarray(column, dtype="<i8").tobytes()
        places[name] = {"offset": file.tell(), "count": len(column), "sha256": hashlib.sha256(content).hexdigest()}
        file.write(content)
    text = json.dumps({**header, "version": VERSION, "columns": places}).encode()
    file.write(text + _TAIL.pack(hashlib.sha256(text).digest(), len(text), _MAGIC))


def read_header(file: BinaryIO, path: Path) -> dict[str, Any]:
    """The header of a cache file, its own hash and the file's size checked.

    Raises:
        IntegrityError: the file is truncated, altered or of another version.
    """
    size = file.seek(0, os.SEEK_END)
    if size < _TAIL.size:
        raise IntegrityError(f"{path} is truncated ({size} bytes); delete it, it will be built anew")
    file.seek(size - _TAIL.size)
    digest, length, magic = _TAIL.unpack(file.read(_TAIL.size))
    start = size - _TAIL.size - length
    if magic != _MAGIC or length > _MAX_HEADER_BYTES or start < 0:
        raise IntegrityError(f"{path} is truncated or no cache file; delete it, it will be built anew")
    file.seek(start)
    text = file.read(length)
    if hashlib.sha256(text).digest() != digest:
        raise IntegrityError(f"{path} has an altered header; delete it, it will be built anew")
    header: dict[str, Any] = json.loads(text)
    if header.get("version") != VERSION:
        raise IntegrityError(f"{path} is of version {header.get('version')}, not {VERSION}; delete it")
    end = int(np.prod(header["shape"]))
    for place in header["columns"].values():
        if place["offset"] != end or place["count"] != header["shape"][0]:
            raise IntegrityError(f"{path} has columns in the wrong place; delete it, it will be built anew")
        end += 8 * place["count"]
    if end != start:
        raise IntegrityError(f"{path} has {start} bytes before its header, not {end}; delete it")
    return header


def read(path: Path) -> Arrays:
    """Map a cache file.

    Raises:
        IntegrityError: the file is truncated, altered or of another version.
        FileNotFoundError: there is none.
    """
    try:
        return _read(path)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        # The header is whole, but was written by another program.
        raise IntegrityError(f"{path} has an unknown header ({error}); delete it, it will be built anew") from None


def _read(path: Path) -> Arrays:
    """Map a cache file whose header has every field."""
    with path.open("rb") as file:
        header = read_header(file, path)
        # Copy on write: torch wants memory it could write to, and the file must stay as it is.
        pixels = np.memmap(file, dtype=np.uint8, mode="c", shape=tuple(header["shape"]))  # (N, 3, H, W)
        columns = {name: _column(file, path, name, place) for name, place in header["columns"].items()}
    targets = columns.pop("targets")
    return Arrays(
        images=torch.from_numpy(pixels),
        targets=targets,
        columns=columns,
        classes=tuple(header["classes"]),
        class_names=tuple(header["class_names"]),
        fingerprint=header["fingerprint"],
        skipped=header["skipped"],
        mean=tuple(header["mean"]),
        std=tuple(header["std"]),
        file=path,
    )


def _column(file: BinaryIO, path: Path, name: str, place: Mapping[str, Any]) -> Tensor:
    """(N,) int64, its hash checked."""
    file.seek(place["offset"])
    content = bytearray(file.read(8 * place["count"]))
    if hashlib.sha256(content).hexdigest() != place["sha256"]:
        raise IntegrityError(f"{path} has altered {name}; delete it, it will be built anew")
    return torch.from_numpy(np.frombuffer(content, dtype="<i8").astype(np.int64))


def verify(path: Path) -> None:
    """Read a cache file whole.

    Raises:
        IntegrityError: anything in it differs from when it was written.
    """
    arrays = read(path)
    if fingerprint(arrays.images, arrays.targets, arrays.classes) != arrays.fingerprint:
        raise IntegrityError(f"{path} has altered pixels; delete it, it will be built anew")


def files(where: Path | str | None = "auto") -> list[Path]:
    """The cache files of a folder, sorted."""
    place = folder(where)
    return sorted(place.glob(f"*{SUFFIX}")) if place else []


def clear(where: Path | str | None = "auto", pattern: str = "*") -> list[Path]:
    """Delete cache files, and what killed processes left of them.

    Args:
        where: the cache's folder, or "auto".
        pattern: shell pattern of the files' names without ending, such as ``"cifar10-*"``.

    Returns:
        The cache files that were deleted. A process that has one mapped keeps it.
    """
    place = folder(where)
    if place is None:
        return []
    found = sorted(place.glob(f"{pattern}{SUFFIX}"))
    for path in found:
        path.unlink(missing_ok=True)
    for left_over in place.glob(f".{pattern}{SUFFIX}.*.partial"):
        written = left_over.with_name(left_over.name[1:].rsplit(".", 2)[0])
        with contextlib.suppress(CifarZooError), locked(written, timeout_s=0):  # held: somebody is at work on it
            left_over.unlink(missing_ok=True)
    return found
