"""Compressed tar archives of a few files, read into memory; nothing is unpacked to disk."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import Self

from cifarzoo.data.readers.files import MAX_FILE_BYTES, check_name
from cifarzoo.errors import DataError

MAX_MEMBERS = 1_000
MAX_BYTES = 1 << 30  # of the whole archive, expanded; the largest official one has 190 MB
MAX_HEADER_BYTES = 1 << 16  # of what a member has besides its plain header: a long name, times, the owner


class Tar:
    """The members of a ``.tar.gz`` that are wanted.

    Args:
        path: of the archive.
        wanted: the last parts of the names of the members to keep; all others are passed over.

    Raises:
        DataError: it is none, is damaged, or is built to do harm.
    """

    def __init__(self, path: Path, wanted: Collection[str]) -> None:
        self.path = path
        try:
            with (
                gzip.open(path) as stream,
                tarfile.open(fileobj=_Limited(stream, path), mode="r|", tarinfo=_Member) as archive,
            ):
                self._contents = self._read(archive, wanted)
        except DataError:
            raise
        except Exception as error:  # whatever a damaged header makes of tarfile, a RecursionError among them
            raise DataError(f"{path} is no .tar.gz archive, or a damaged one ({error}); get it anew") from None
        self.names = sorted(self._contents)

    def _read(self, archive: tarfile.TarFile, wanted: Collection[str]) -> dict[str, bytes]:
        """The wanted members by name."""
        contents: dict[str, bytes] = {}
        seen: set[str] = set()
        for count, member in enumerate(archive):
            name = member.name.removeprefix("./")
            check_name(name, self.path)
            if name in seen or count >= MAX_MEMBERS:
                raise DataError(f"{self.path} has {name!r} twice, or over {MAX_MEMBERS} members; get it anew")
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():  # the holes of a sparse file take no room in the archive
                raise DataError(f"{self.path} has a member {name!r} that is no plain file; get it anew")
            seen.add(name)
            if member.size > MAX_FILE_BYTES:
                raise DataError(f"{self.path}: {name} is larger than the limit of {MAX_FILE_BYTES} bytes")
            if PurePosixPath(name).name in wanted:
                file = archive.extractfile(member)
                contents[name] = file.read() if file else b""
        return contents

    def __contains__(self, name: str) -> bool:
        return name in self._contents

    def read(self, name: str) -> bytes:
        """The content of a member."""
        return self._contents[name]


class _Member(tarfile.TarInfo):
    """A member with few further headers, since tarfile makes dictionaries of them."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """A member, or a further header of the next one, by its first block."""
        header = super().frombuf(buf, encoding, errors)
        plain = header.isfile() or header.isdir() or header.islnk() or header.issym() or header.isdev()
        if header.type == tarfile.XGLTYPE or (not plain and header.size > MAX_HEADER_BYTES):
            raise ValueError(f"it has headers for all members, or one of over {MAX_HEADER_BYTES} bytes")
        return header


class _Limited(io.BufferedIOBase):
    """A stream that ends with an error where the archive expands without bound."""

    def __init__(self, stream: gzip.GzipFile, path: Path) -> None:
        self._stream, self._path, self._left = stream, path, MAX_BYTES

    def read(self, size: int | None = -1) -> bytes:
        """The next bytes."""
        content = self._stream.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise DataError(f"{self._path} expands to more than the limit of {MAX_BYTES} bytes; get it anew")
        return content
