"""Files that are whole or absent: written beside, synced, renamed; and locks for where two processes meet."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import platformdirs
from filelock import FileLock, Timeout

from cifarzoo.errors import CifarZooError, SettingError


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[BinaryIO]:
    """Open a file beside ``path`` that takes its place when the block ends well and vanishes when it does not."""
    path = Path(path)
    if not path.name:  # "." or "/"
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(6)}.partial")
    try:
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def writing(path: Path | str) -> Iterator[None]:
    """Turn what the file system raises within into a SettingError that names the path a user has chosen."""
    try:
        yield
    except OSError as error:
        raise SettingError(f"{path} cannot be written ({error.strerror or error}); choose another place") from None


def write_bytes(path: Path | str, content: bytes) -> None:
    """Write a whole file: after a crash it holds the old content or the new, never a part."""
    with replacing(path) as file:
        file.write(content)


def write_text(path: Path | str, content: str) -> None:
    """The same for text, as UTF-8."""
    write_bytes(path, content.encode())


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder survive a power cut, where the system can do that."""
    if os.name == "nt":  # Windows cannot open a folder to sync it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # what file systems answer that sync files only
            raise
    finally:
        os.close(handle)


def user_cache() -> Path:
    """Where decoded sets and fetched weights are kept: $CIFARZOO_CACHE, or the user's cache folder."""
    named = os.environ.get("CIFARZOO_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("cifarzoo")


@contextlib.contextmanager
def locked(path: Path | str, *, timeout_s: float = -1) -> Iterator[None]:
    """Hold ``<path>.lock`` against other processes; a negative timeout waits for ever."""
    lock = Path(f"{path}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=timeout_s):
            yield
    except Timeout:
        raise CifarZooError(
            f"{lock} is held by another process for over {timeout_s} s; wait for it, or end it"
        ) from None
