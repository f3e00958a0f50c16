"""From a source to arrays: looked up in the cache, or decoded once and kept there."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from cifarzoo.data import cache, sources
from cifarzoo.data.cache import Arrays
from cifarzoo.data.contents import Contents, Failures
from cifarzoo.errors import CifarZooError, DataError, IntegrityError, SettingError
from cifarzoo.files import locked, replacing

READER_VERSION = 1  # raise it when the same source would give other pixels, labels or another order
_CHUNK = 512  # images that a thread decodes in one go


class CacheWarning(UserWarning):
    """The decoded set could not be kept; it is in memory."""


def load(
    name: str,
    split: str,
    paths: Iterable[Path],
    read: Callable[[], Contents],
    *,
    where: Path | str | None,
    on_error: str,
    options: str = "",
) -> Arrays:
    """The arrays of a set, mapped from its cache file, which is built where there is none.

    Args:
        name: of the set.
        split: of it.
        paths: the files and folders whose change asks for a new cache file.
        read: reads the source, without its pixels.
        where: the cache's folder, "auto", or None for no cache.
        on_error: "raise", or "skip" to leave out images that cannot be decoded.
        options: whatever else changes what is read.

    Raises:
        DataError: the source cannot be read.
    """
    if on_error not in ("raise", "skip"):
        raise SettingError(f"on_error (={on_error!r}) must be 'raise' or 'skip'")
    folder = cache.folder(where)
    if folder is None:
        return _in_memory(read(), on_error)
    stamps = [sources.stamp(path) for path in paths]
    key = hashlib.sha256(json.dumps([READER_VERSION, stamps, on_error, options]).encode()).hexdigest()[:16]
    path = folder / f"{name}-{split}-{key}.images"
    cached = _read_cached(path)
    if cached is not None:
        return cached
    try:
        with locked(path):
            return _read_cached(path) or _build(read(), path, on_error)
    except OSError as error:
        warnings.warn(
            f"{path} cannot be written ({error.strerror}); the set is in memory only. Free space, or name another "
            "folder with CIFARZOO_CACHE or cache=...",
            CacheWarning,
            stacklevel=3,
        )
        return _in_memory(read(), on_error)


def _read_cached(path: Path) -> Arrays | None:
    """The arrays of a cache file, or None where there is no valid one."""
    try:
        return cache.read(path)
    except (FileNotFoundError, IntegrityError):
        return None


def _in_memory(contents: Contents, on_error: str) -> Arrays:
    """Decode into memory of this process."""
    images = np.empty((len(contents.targets), 3, *contents.size_px), dtype=np.uint8)
    kept = _fill(contents, images, on_error)
    images = images[: len(kept)]
    targets = contents.targets[kept]
    return Arrays(
        images=torch.from_numpy(images),
        targets=torch.from_numpy(targets),
        columns={name: torch.from_numpy(column[kept]) for name, column in contents.columns.items()},
        classes=contents.classes,
        class_names=contents.class_names,
        fingerprint=cache.fingerprint(images, targets, contents.classes),
        skipped=len(contents.targets) - len(kept),
    )


def _build(contents: Contents, path: Path, on_error: str) -> Arrays:
    """Decode straight into a file beside the cache file, which then takes its place."""
    for left_over in path.parent.glob(f".{path.name}.*.partial"):  # by a process that was killed: we hold the lock
        left_over.unlink(missing_ok=True)
    shape = (len(contents.targets), 3, *contents.size_px)
    with replacing(path) as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, int(np.prod(shape)))  # a full disk shows here, not as a lost page
        else:
            file.truncate(int(np.prod(shape)))
        images: np.ndarray = np.memmap(file.name, dtype=np.uint8, mode="r+", shape=shape)
        kept = _fill(contents, images, on_error)
        images = images[: len(kept)]
        targets = contents.targets[kept]
        header = {
            "shape": [int(side) for side in images.shape],
            "classes": contents.classes,
            "class_names": contents.class_names,
            "fingerprint": cache.fingerprint(images, targets, contents.classes),
            "skipped": shape[0] - len(kept),
        }
        file.truncate(images.nbytes)
        file.seek(images.nbytes)
        columns = {name: column[kept] for name, column in contents.columns.items()}
        cache.write_tail(file, {"targets": targets, **columns}, header)
    return cache.read(path)


def _fill(contents: Contents, images: np.ndarray, on_error: str) -> np.ndarray:
    """Decode all images; the rows that are good are moved together at the front, and their numbers returned."""

    def fill(first: int) -> Failures:
        failures = contents.pixels.fill(first, images[first : first + _CHUNK])
        if failures and on_error == "raise":
            raise DataError(f"{failures[0][1]}; on_error='skip' leaves such images out")
        return failures

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            failures = [failure for part in pool.map(fill, range(0, len(images), _CHUNK)) for failure in part]
        except CifarZooError:
            pool.shutdown(cancel_futures=True)
            raise
    kept = np.setdiff1d(np.arange(len(images)), [row for row, _ in failures])
    if not len(kept):
        raise DataError(f"no image can be decoded; the first: {failures[0][1]}" if failures else "there is no image")
    if failures:
        for place, row in enumerate(kept):  # forwards only, so nothing is overwritten before it is moved
            images[place] = images[row]
        warnings.warn(f"{len(failures)} images were left out; the first: {failures[0][1]}", CacheWarning, stacklevel=4)
    return kept
