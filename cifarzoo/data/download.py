"""Files from the official addresses: resumed where they were cut off, used only when their hash is right."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import io
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cifarzoo.data.progress import progress
from cifarzoo.data.specs import Archive
from cifarzoo.errors import DownloadError
from cifarzoo.files import locked, sync_folder

ATTEMPTS = 5  # in a row without a byte gained
TIMEOUT_S = 30.0  # without a byte
PAUSE_S = 1.0  # before the second attempt; doubled for each further one
_BLOCK_BYTES = 1 << 20
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)  # what a server says when it may do better later
_NO_SUCH_RANGE = 416


class _SameOrSafer(urllib.request.HTTPRedirectHandler):
    """Follow redirects, but never from https to http."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The request to go on with."""
        if req.type == "https" and not newurl.lower().startswith("https:"):
            raise DownloadError(f"{req.full_url} redirects to {newurl}, which is not encrypted; download it by hand")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def offline() -> bool:
    """Whether ``CIFARZOO_OFFLINE`` forbids to ask the network for anything."""
    return os.environ.get("CIFARZOO_OFFLINE", "") not in ("", "0")


def fetch(archive: Archive, folder: Path) -> Path:
    """Have an official file in a folder: nothing is done where it is there already.

    A part that an interrupted download left is gone on with. Two processes do not meet: the second waits.

    Args:
        archive: the file.
        folder: where to put it.

    Returns:
        Its path; its bytes are those of the hash.

    Raises:
        DownloadError: it cannot be fetched, or what is fetched has another hash, or ``CIFARZOO_OFFLINE`` is set.
    """
    path, part = folder / archive.name, folder / f"{archive.name}.part"
    if offline() and not path.is_file():
        raise DownloadError(f"CIFARZOO_OFFLINE is set, so {archive.url} is not asked; unset it, or put {path} there")
    try:
        with locked(path):
            if path.is_file() and not _is_right(archive, path):
                raise DownloadError(f"{path} is there, but is not the file of {archive.url}; delete it and repeat")
            if not path.is_file():
                resumed = part.is_file()
                _fetch_part(archive, part)
                if resumed and not _is_right(archive, part):  # perhaps that part was of another version of the file
                    part.unlink()
                    _fetch_part(archive, part)
                if not _is_right(archive, part):
                    found = f"SHA-256 {_sha256(part)}, {part.stat().st_size} bytes"
                    part.unlink()
                    raise DownloadError(f"{archive.url} gives {found}, not {archive.sha256}, {archive.bytes} bytes")
                part.replace(path)
                sync_folder(folder)
    except OSError as error:
        left = f"; {archive.bytes} bytes are needed" if error.errno == errno.ENOSPC else ""
        raise DownloadError(f"{part} cannot be written: {error.strerror or error}{left}") from None
    return path


def fetch_small(url: str, *, most_bytes: int) -> bytes:
    """The content of a small file whose hash is not known beforehand.

    Args:
        url: where it is.
        most_bytes: it must not be larger.

    Raises:
        DownloadError: it cannot be fetched, is too large, or ``CIFARZOO_OFFLINE`` is set.
    """
    if offline():
        raise DownloadError(f"CIFARZOO_OFFLINE is set, so {url} is not asked; unset it, or take a file by its path")
    problem = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_S * 2 ** (attempt - 1))
        content = io.BytesIO()
        try:
            with _opened(url, content) as response:
                while content.tell() <= most_bytes and (block := _read(response)):
                    content.write(block)
                still_to_come = response.length
        except _TryAgainError as error:
            problem = str(error)
            continue
        if content.tell() > most_bytes:
            raise DownloadError(f"{url} gives more than {most_bytes} bytes, too many; check the address")
        if not still_to_come:
            return content.getvalue()
        problem = "the connection was closed early"
    raise DownloadError(f"{url} cannot be fetched: {problem} ({ATTEMPTS} attempts); try again later")


def _fetch_part(archive: Archive, part: Path) -> None:
    """Append to the part until it is whole, trying again as long as attempts gain something."""
    failures = 0
    with progress(f"downloading {archive.name}", archive.bytes, in_bytes=True) as show, part.open("ab") as file:
        if file.tell() > archive.bytes:
            _empty(file)
        furthest = file.tell()  # what comes a second time is nothing gained: a server's file may be shorter
        while file.tell() < archive.bytes:
            try:
                for done in _receive(archive, file):
                    show(done)
                problem = "the connection was closed early"
            except _TryAgainError as error:
                problem = str(error)
            failures = 0 if file.tell() > furthest else failures + 1
            furthest = max(furthest, file.tell())
            if failures >= ATTEMPTS:
                raise DownloadError(
                    f"{archive.url} cannot be fetched: {problem} ({ATTEMPTS} attempts); try again later, it goes on "
                    f"from byte {file.tell()}, or put {archive.name} into {part.parent} by hand"
                )
            if failures:
                time.sleep(PAUSE_S * 2 ** (failures - 1))
        file.flush()
        os.fsync(file.fileno())


class _TryAgainError(Exception):
    """What went wrong may go right the next time."""


def _receive(archive: Archive, file: IO[bytes]) -> Iterator[int]:
    """One request: append what comes to the file and yield its size so far, at most one byte more than expected."""
    with _opened(archive.url, file) as response:
        while block := _read(response):
            file.write(block[: archive.bytes + 1 - file.tell()])
            yield file.tell()
            if file.tell() > archive.bytes:
                return


@contextlib.contextmanager
def _opened(url: str, file: IO[bytes]) -> Iterator[http.client.HTTPResponse]:
    """Ask for what the file does not have yet; where the server gives all of it again, the file is emptied."""
    start = file.tell()
    request = urllib.request.Request(url, headers={"User-Agent": "cifarzoo", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response = urllib.request.build_opener(_SameOrSafer).open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == _NO_SUCH_RANGE:
            _empty(file)
        error.close()
        if error.code in (*_TRY_AGAIN, _NO_SUCH_RANGE):
            raise _TryAgainError(f"the server answers {error.code} {error.reason}") from None
        raise DownloadError(f"{url} cannot be fetched: the server answers {error.code} {error.reason}") from None
    except (http.client.InvalidURL, ValueError) as error:  # no attempt will go better
        raise DownloadError(f"{url} cannot be asked ({error}); check the address") from None
    except (OSError, http.client.HTTPException) as error:
        raise _TryAgainError(str(error)) from None
    with response:
        if start and not (response.status == http.client.PARTIAL_CONTENT and _starts_at(response, start)):
            _empty(file)
        yield response


def _empty(file: IO[bytes]) -> None:
    """Begin again."""
    file.truncate(0)
    file.seek(0)


def _starts_at(response: http.client.HTTPResponse, start: int) -> bool:
    """Whether the answer is the range that was asked for."""
    return (response.headers.get("Content-Range") or "").startswith(f"bytes {start}-")


def _read(response: http.client.HTTPResponse) -> bytes:
    """The next bytes; _TryAgainError where the connection breaks or stalls."""
    try:
        return response.read1(_BLOCK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _TryAgainError(str(error) or type(error).__name__) from None


def _is_right(archive: Archive, path: Path) -> bool:
    """Whether a file is the one that was promised."""
    return path.stat().st_size == archive.bytes and _sha256(path) == archive.sha256


def _sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
