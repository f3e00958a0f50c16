"""Named files under one roof: a folder or an archive, listed and read the same way."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from cifarzoo.errors import DataError

MAX_FILES = 1_000_000
MAX_FILE_BYTES = 512 << 20  # the largest legal file is a batch of CIFAR-100, 156 MB


class Files(Protocol):
    """Named files."""

    @property
    def path(self) -> Path:
        """Of the folder or archive."""

    @property
    def names(self) -> Sequence[str]:
        """Relative, with forward slashes, sorted."""

    def __contains__(self, name: str) -> bool: ...

    def read(self, name: str) -> bytes:
        """The content of one of them. Safe to call from several threads."""


class Folder:
    """The files below a folder; links are followed, but no folder is entered twice.

    Args:
        path: of the folder.
        parts: names directly below it that count; None for all.
    """

    def __init__(self, path: Path, parts: Collection[str] | None = None) -> None:
        self.path = path
        base = len(str(path)) + 1
        found = [entry.path[base:].replace(os.sep, "/") for entry in walk(path, parts)]
        self.names = sorted(found)
        self._names = set(found)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> bytes:
        """The content of a file."""
        return read_file(self.path / name)


def read_file(path: Path) -> bytes:
    """The content of a file that is not larger than ``MAX_FILE_BYTES``."""
    try:
        if not path.is_file():
            raise DataError(f"{path} is missing")
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_FILE_BYTES:
        raise DataError(f"{path} is larger than the limit of {MAX_FILE_BYTES} bytes")
    return content


def walk(path: Path, parts: Collection[str] | None = None) -> Iterator[os.DirEntry[str]]:
    """The regular files below a folder, folders entered in the order of their names."""
    pending, seen, count = [str(path)], set(), 0
    while pending:
        place = pending.pop()
        try:
            state = Path(place).stat()
            if (state.st_dev, state.st_ino) in seen and state.st_ino:  # a link back to where we have been
                continue
            seen.add((state.st_dev, state.st_ino))
            with os.scandir(place) as scan:
                entries = sorted(scan, key=lambda entry: entry.name, reverse=True)
            folders = [entry.path for entry in entries if entry.is_dir() and _counts(entry, place, path, parts)]
            files = [entry for entry in entries if entry.is_file() and _counts(entry, place, path, parts)]
        except OSError as error:
            raise DataError(f"{place} cannot be listed: {error.strerror or error}") from None
        pending += folders
        count += len(files)
        if count > MAX_FILES:
            raise DataError(f"{path} holds more than the limit of {MAX_FILES} files; name a folder further down")
        yield from reversed(files)


def _counts(entry: os.DirEntry[str], place: str, path: Path, parts: Collection[str] | None) -> bool:
    """Whether an entry counts: anything but hidden names and, at the top, what is not asked for."""
    return not entry.name.startswith(".") and (parts is None or place != str(path) or entry.name in parts)


def check_name(name: str, archive: Path) -> None:
    """Raise DataError for a member whose name leads out of its archive."""
    plain = name.replace("\\", "/")
    leads_out = ".." in plain and ".." in plain.split("/")  # the first test alone is cheap, and enough for most
    if leads_out or plain.startswith("/") or "\0" in plain or ":" in plain:
        raise DataError(f"{archive} has a member named {name!r}, which leads out of the archive; get it anew")


def stamp(path: Path, parts: Collection[str] | None = None) -> list[object]:
    """What tells one state of a file or folder from another: paths, sizes and times of change."""
    try:
        if not path.is_dir():
            state = path.stat()
            return [str(path.resolve()), state.st_size, state.st_mtime_ns]
        folder = f"{str(path).rstrip(os.sep)}{os.sep}"  # left out: the same by whatever way it was named
        entries = [(entry.path.removeprefix(folder), entry.stat()) for entry in walk(path, parts)]
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    return [str(path.resolve()), *([place, state.st_size, state.st_mtime_ns] for place, state in entries)]
