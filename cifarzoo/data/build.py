"""From a source to arrays: looked up in the cache, or decoded once and kept there."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from cifarzoo.data import cache
from cifarzoo.data.cache import Arrays
from cifarzoo.data.contents import Contents, Failures
from cifarzoo.data.cores import usable_cores
from cifarzoo.data.layouts import Found
from cifarzoo.data.measure import fingerprint, mean_and_std
from cifarzoo.data.progress import progress
from cifarzoo.errors import DataError, IntegrityError, SettingError
from cifarzoo.files import locked, replacing

READER_VERSION = 2  # raise it when the same source would give other pixels, labels or another order
_CHUNK = 512  # images that a thread decodes in one go: with few, the threads would wait for each other


class CacheWarning(UserWarning):
    """The decoded set could not be kept in the cache; it is in memory."""


class SkippedWarning(UserWarning):
    """Images that could not be decoded were left out."""


def load(
    name: str,
    found: Found,
    *,
    cache_folder: Path | str | None,
    on_error: str,
    options: Sequence[object] = (),
    measure: bool = False,
) -> Arrays:
    """The arrays of a set, mapped from its cache file, which is built where there is none.

    Args:
        name: of the set and the split.
        found: the source.
        cache_folder: the cache's folder, "auto", or None for no cache.
        on_error: "raise", or "skip" to leave out images that cannot be decoded.
        options: whatever else decides what is read.
        measure: find mean and std, too.

    Raises:
        DataError: the source cannot be read.
    """
    if on_error not in ("raise", "skip"):
        raise SettingError(f"on_error (={on_error!r}) must be 'raise' or 'skip'")
    folder = cache.folder(cache_folder)
    if folder is None:
        return _in_memory(name, _read(found), on_error, measure)
    key = json.dumps([READER_VERSION, found.stamps(), on_error, *options])
    path = folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}{cache.SUFFIX}"
    try:
        cached = _read_cached(path)
        if cached is not None:
            return cached
        with locked(path):
            return _read_cached(path) or _build(name, _read(found), path, on_error, measure)
    except OSError as error:
        warnings.warn(
            f"{path} cannot be used ({error.strerror or error}): the set is in memory only. Free space, name "
            "another folder with CIFARZOO_CACHE or cache=..., or pass cache=None",
            CacheWarning,
            stacklevel=4,
        )
        return _in_memory(name, _read(found), on_error, measure)


def _read(found: Found) -> Contents:
    """What was found, if it has images."""
    contents = found.read()
    if not len(contents.targets):
        raise DataError(f"{found.paths[0]} has no images; get it anew")
    return contents


def _read_cached(path: Path) -> Arrays | None:
    """The arrays of a cache file, or None where there is no valid one."""
    try:
        return cache.read(path)
    except (FileNotFoundError, IntegrityError):
        return None


def _in_memory(name: str, contents: Contents, on_error: str, measure: bool) -> Arrays:
    """Decode into memory of this process."""
    pixels = np.empty((len(contents.targets), 3, *contents.size_px), dtype=np.uint8)
    kept = _fill(name, contents, pixels, on_error)
    images, targets = torch.from_numpy(pixels[: len(kept)]), torch.from_numpy(contents.targets[kept])
    mean, std = mean_and_std(images) if measure else ((), ())
    return Arrays(
        images=images,
        targets=targets,
        columns={name: torch.from_numpy(column[kept]) for name, column in contents.columns.items()},
        classes=contents.classes,
        class_names=contents.class_names,
        fingerprint=fingerprint(images, targets, contents.classes),
        skipped=len(contents.targets) - len(kept),
        mean=mean,
        std=std,
    )


def _build(name: str, contents: Contents, path: Path, on_error: str, measure: bool) -> Arrays:
    """Decode straight into a file beside the cache file, which then takes its place."""
    for left_over in path.parent.glob(f".{path.name}.*.partial"):  # by a process that was killed: we hold the lock
        left_over.unlink(missing_ok=True)
    shape = (len(contents.targets), 3, *contents.size_px)
    with replacing(path) as file:
        _reserve(file.fileno(), int(np.prod(shape)))
        pixels = np.memmap(file.name, dtype=np.uint8, mode="r+", shape=shape)
        kept = _fill(name, contents, pixels, on_error)
        targets = contents.targets[kept]
        images = torch.from_numpy(pixels[: len(kept)])
        with ThreadPoolExecutor(1) as pool:  # the disk writes while the processors measure
            written = pool.submit(os.fsync, file.fileno())
            mean, std = mean_and_std(images) if measure else ((), ())
            mark = fingerprint(images, torch.from_numpy(targets), contents.classes)
            written.result()
        header = {
            "shape": list(images.shape),
            "classes": contents.classes,
            "class_names": contents.class_names,
            "fingerprint": mark,
            "skipped": shape[0] - len(kept),
            "mean": mean,
            "std": std,
        }
        end = images.numel()
        del images, pixels
        file.truncate(end)
        file.seek(end)
        columns = {name: column[kept] for name, column in contents.columns.items()}
        cache.write_tail(file, {"targets": targets, **columns}, header)
    return cache.read(path)


def _reserve(handle: int, size: int) -> None:
    """Make a file that large: a full disk shows here, not as a signal when a mapped page cannot be written."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, max(size, 1))
    else:
        os.truncate(handle, size)


def _fill(name: str, contents: Contents, images: np.ndarray, on_error: str) -> np.ndarray:
    """Decode all images; the rows that are good are moved together at the front, and their numbers returned."""
    starts = range(0, len(images), _CHUNK)

    def fill(first: int) -> Failures:
        failures = contents.pixels.fill(first, images[first : first + _CHUNK])
        if failures and on_error == "raise":
            raise DataError(f"{failures[0][1]}; on_error='skip' leaves such images out")
        return failures

    failures: Failures = []
    with progress(f"decoding {name}", len(images)) as show, ThreadPoolExecutor(usable_cores()) as pool:
        try:
            for first, part in zip(starts, pool.map(fill, starts), strict=True):
                failures += part
                show(first + _CHUNK)
        except BaseException:  # Ctrl-C among them: what has not begun never will
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    kept = np.setdiff1d(np.arange(len(images)), [row for row, _ in failures])
    if not len(kept):
        raise DataError(f"{name}: no image can be decoded; the first: {failures[0][1]}")
    if failures:
        for place, row in enumerate(kept):  # forwards only, so nothing is overwritten before it is moved
            images[place] = images[row]
        message = f"{name}: {len(failures)} images were left out; the first: {failures[0][1]}"
        warnings.warn(message, SkippedWarning, stacklevel=7)
    return kept
