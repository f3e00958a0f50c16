"""Weights that are elsewhere: fetched into the cache, by the addresses on their card or by an address of their own."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit

from torch import Tensor

from cifarzoo import files
from cifarzoo.errors import DataError, DownloadError, IntegrityError, SettingError
from cifarzoo.weights.cards import Card
from cifarzoo.weights.store import read_checked

_SUFFIX = ".safetensors"
_ESCAPED = "/%=&+:,;@~!$'()*"  # legal in a path or query as they are; a per cent sign begins what is escaped already
_CARD_BYTES = 1 << 22  # a card of a thousand classes has a tenth of this


def cache_folder() -> Path:
    """Where fetched weights are kept."""
    return files.user_cache() / "weights"


def is_url(source: Path | str) -> bool:
    """Whether weights are named by an address."""
    return str(source).lower().startswith(("https://", "http://"))


def read_url(url: str) -> tuple[dict[str, Tensor], Card]:
    """The tensors and the card of weights at an address; what came once is kept and not asked for again.

    Args:
        url: of the ``.safetensors`` file; its card lies beside it (the same name, ``.json``).

    Raises:
        SettingError: the address is not that of such a file.
        IntegrityError: what is there is no card.
        DownloadError: they cannot be fetched, or ``CIFARZOO_OFFLINE`` forbids it.
    """
    parts = _parts_of(url)
    url, name = parts.geturl(), parts.path.rpartition("/")[2]
    # An address has a folder of its own: it is no published name, and two hosts may call their files alike.
    path = cache_folder() / "addresses" / hashlib.sha256(url.encode()).hexdigest()[:32] / name
    card_path = path.with_name(f"{name.removesuffix(_SUFFIX)}.json")
    card = _kept_card(card_path) if path.is_file() else None
    if card is None:  # one that came without its weights may be out of date
        card = _fetch_card(parts._replace(path=f"{parts.path.removesuffix(_SUFFIX)}.json").geturl(), card_path)
    by_hand = "download it and its .json card by hand, and name the file"
    return read_cached(path, replace(card, urls=[url], hub_id=None), by_hand=by_hand), card


def read_cached(path: Path, card: Card, *, by_hand: str) -> dict[str, Tensor]:
    """The tensors of a file in the cache, fetched from the card's addresses if it is not there or damaged.

    Args:
        path: of the file.
        card: whose hash it must have.
        by_hand: what to do where the network does not help.

    Raises:
        DownloadError: it cannot be fetched.
        IntegrityError: it is damaged, and there is nowhere to fetch it from.
    """
    try:
        return read_checked(path, card)
    except IntegrityError:
        if not _can_fetch(path, card):
            raise
        _discard(path, card)
    except DataError:
        pass  # it is not there, or another process has just discarded it
    _fetch(path, card, by_hand)
    return read_checked(path, card)


def _parts_of(url: str) -> SplitResult:
    """The parts of a weight file's address, all that is not ASCII escaped."""
    try:
        parts = urlsplit(url)
        parts = parts._replace(path=quote(parts.path, safe=_ESCAPED), query=quote(parts.query, safe=_ESCAPED))
        known = parts.path.endswith(_SUFFIX) and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise SettingError(f"{url} must end in the name of a {_SUFFIX} file, beside which its .json card lies")
    if "@" in parts.netloc:  # cards and messages would show them
        raise SettingError(f"the address at {parts.hostname} holds a user's name or password; take them out")
    return parts


def _kept_card(path: Path) -> Card | None:
    """A card that was fetched before; None if it is gone or damaged."""
    with contextlib.suppress(OSError, IntegrityError):
        return Card.from_json(path.read_bytes(), source=str(path))
    return None


def _fetch_card(url: str, path: Path) -> Card:
    """The card at an address, from then on in a file; what is no card is not kept."""
    from cifarzoo.data import download  # with it come all readers: only where something is fetched

    content = download.fetch_small(url, most_bytes=_CARD_BYTES)
    card = Card.from_json(content, source=url)
    if card.sha256 is None or card.bytes is None:
        raise IntegrityError(f"{url} has no SHA-256 and size of the weights; write it with weights.save_weights")
    with _writing(path):
        files.write_bytes(path, content)
    return card


def _discard(path: Path, card: Card) -> None:
    """Remove a wrong file from the cache, unless another process has done so or put the right one there meanwhile."""
    with _writing(path), files.locked(path):
        try:
            read_checked(path, card)
        except IntegrityError:
            path.unlink(missing_ok=True)
        except DataError:
            pass


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn what the system says of a cache that cannot be written into a DownloadError."""
    try:
        yield
    except OSError as error:
        raise DownloadError(f"{path} cannot be written ({error.strerror or error}); set CIFARZOO_CACHE") from None


def _can_fetch(path: Path, card: Card) -> bool:
    """Whether there is an address to ask, it may be asked, and it is known what is to come."""
    from cifarzoo.data import download

    known = card.sha256 is not None and card.bytes is not None
    return known and not download.offline() and bool(_addresses(card, path.name))


def _fetch(path: Path, card: Card, by_hand: str) -> None:
    """Have the file in the cache, from the first of the card's addresses that gives the right bytes."""
    from cifarzoo.data import download
    from cifarzoo.data.specs import Archive

    urls = _addresses(card, path.name)
    if not urls or card.sha256 is None or card.bytes is None:
        raise DownloadError(f"{path.name} is not on this machine, and its card names no legal address; {by_hand}")
    if download.offline():
        raise DownloadError(f"{path.name} is not on this machine, and CIFARZOO_OFFLINE is set; unset it, or {by_hand}")
    problems = []
    for url in urls:
        archive = Archive(name=path.name, url=url, sha256=card.sha256, bytes=card.bytes)
        try:
            download.fetch(archive, path.parent)
            return
        except DownloadError as error:
            problems.append(str(error))
    raise DownloadError(f"{path.name} cannot be had: {'; '.join(problems)}; or {by_hand}")


def _addresses(card: Card, file: str) -> list[str]:
    """Where a weight file is to be had, the first one first."""
    urls = list(card.urls or ())
    if card.hub_id is not None:
        from huggingface_hub import hf_hub_url

        with contextlib.suppress(ValueError):  # what is no id of a repository
            urls.append(hf_hub_url(card.hub_id, file))
    return urls
