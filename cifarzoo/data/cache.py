"""Decoded sets as files to map: whole or absent, noticed when they are damaged, shared by every process.

A file holds the pixels from its first byte on, then the targets and further columns, then a header in JSON, the
header's SHA-256, its length and a magic number. What is missing at the end is thereby noticed at once.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import platformdirs
import torch
from torch import Tensor

from cifarzoo.errors import IntegrityError

VERSION = 1  # of the file's layout
_MAGIC = b"CIFARZOO"
_TAIL = struct.Struct("<32sQ8s")  # the header's SHA-256, its length in bytes, the magic number
_MAX_HEADER_BYTES = 64 << 20
_HASH_ROWS = 1024  # images hashed at once, so that several threads can share the work


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
    file: Path | None = None


def folder(where: Path | str | None = "auto") -> Path | None:
    """The cache's folder: ``where``, or for "auto" $CIFARZOO_CACHE or the user's cache folder; None stays None."""
    if where is None:
        return None
    if str(where) != "auto":
        return Path(where)
    named = os.environ.get("CIFARZOO_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("cifarzoo")


def fingerprint(images: np.ndarray, targets: np.ndarray, classes: tuple[str, ...]) -> str:
    """16 hex digits that stand for the pixels, the labels and the classes."""

    def block_hash(first: int) -> bytes:
        return hashlib.sha256(np.ascontiguousarray(images[first : first + _HASH_ROWS]).data).digest()

    digest = hashlib.sha256(json.dumps([list(images.shape), list(classes)]).encode())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for block in pool.map(block_hash, range(0, len(images), _HASH_ROWS)):
            digest.update(block)
    digest.update(np.ascontiguousarray(targets, dtype="<i8").data)
    return digest.hexdigest()[:16]


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
    with path.open("rb") as file:
        header = read_header(file, path)
        # Copy on write: torch wants memory it could write to, and the file must stay as it is.
        pixels = np.memmap(file, dtype=np.uint8, mode="c", shape=tuple(header["shape"]))  # (N, 3, H, W)
        columns = {}
        for name, place in header["columns"].items():
            file.seek(place["offset"])
            content = file.read(8 * place["count"])
            if hashlib.sha256(content).hexdigest() != place["sha256"]:
                raise IntegrityError(f"{path} has altered {name}; delete it, it will be built anew")
            columns[name] = torch.from_numpy(np.frombuffer(bytearray(content), dtype="<i8").astype(np.int64))
    targets = columns.pop("targets")
    return Arrays(
        images=torch.from_numpy(pixels),
        targets=targets,
        columns=columns,
        classes=tuple(header["classes"]),
        class_names=tuple(header["class_names"]),
        fingerprint=header["fingerprint"],
        skipped=header["skipped"],
        file=path,
    )
