"""Weights that are elsewhere: fetched into the cache, by the addresses on their card or by an address of their own."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from torch import Tensor

from cifarzoo import files
from cifarzoo.errors import DownloadError, IntegrityError, SettingError
from cifarzoo.weights.cards import Card
from cifarzoo.weights.store import read_checked

_SUFFIX = ".safetensors"
_CARD_BYTES = 1 << 22  # a card of a thousand classes has a tenth of this


def cache_folder() -> Path:
    """Where fetched weights are kept."""
    return files.user_cache() / "weights"


def is_url(source: Path | str) -> bool:
    """Whether weights are named by an address."""
    return str(source).startswith(("https://", "http://"))


def read_url(url: str) -> tuple[dict[str, Tensor], Card]:
    """The tensors and the card of weights at an address; what came once is kept and not asked for again.

    Args:
        url: of the ``.safetensors`` file; its card lies beside it (the same name, ``.json``).

    Raises:
        SettingError: the address is not that of such a file.
        IntegrityError: what is there is no card.
        DownloadError: they cannot be fetched, or ``CIFARZOO_OFFLINE`` forbids it.
    """
    parts = urlsplit(url)
    name = parts.path.rpartition("/")[2]
    if not name.endswith(_SUFFIX) or not parts.hostname:
        raise SettingError(f"{url} must end in the name of a {_SUFFIX} file, beside which its .json card lies")
    # An address has a folder of its own: it is no published name, and two hosts may call their files alike.
    folder = cache_folder() / "addresses" / hashlib.sha256(url.encode()).hexdigest()[:32]
    path, card_path = folder / name, folder / f"{name.removesuffix(_SUFFIX)}.json"
    if not path.is_file() or not card_path.is_file():  # a card that came without its weights may be out of date
        _fetch_card(parts._replace(path=parts.path.removesuffix(_SUFFIX) + ".json").geturl(), card_path)
    card = Card.from_json(card_path.read_bytes(), source=str(card_path))
    return read_cached(path, replace(card, urls=[url], hub_id=None)), card


def read_cached(path: Path, card: Card) -> dict[str, Tensor]:
    """The tensors of a file in the cache, fetched from the card's addresses if it is not there or damaged.

    Args:
        path: of the file.
        card: whose hash it must have.

    Raises:
        DownloadError: it cannot be fetched.
    """
    if path.is_file():
        try:
            return read_checked(path, card)
        except IntegrityError:
            _discard(path, card)
    _fetch(path, card)
    return read_checked(path, card)


def _fetch_card(url: str, path: Path) -> None:
    """Have the card of an address in a file; what is no card is not kept."""
    from cifarzoo.data import download  # with it come all readers: only where something is fetched

    content = download.fetch_small(url, most_bytes=_CARD_BYTES)
    if Card.from_json(content, source=url).sha256 is None:
        raise IntegrityError(f"{url} has no SHA-256 of the weights; write it with cifarzoo.weights.save_weights")
    files.write_bytes(path, content)


def _discard(path: Path, card: Card) -> None:
    """Remove a wrong file from the cache, unless another process has put the right one there meanwhile."""
    with files.locked(path):
        try:
            read_checked(path, card)
        except IntegrityError:
            path.unlink(missing_ok=True)


def _fetch(path: Path, card: Card) -> None:
    """Have the file in the cache, from the first address that gives the right bytes."""
    from cifarzoo.data import download
    from cifarzoo.data.specs import Archive

    by_hand = f"put {path.name} into {path.parent}, or into a folder that CIFARZOO_WEIGHTS names"
    urls = _addresses(card, path.name)
    if not urls or card.sha256 is None or card.bytes is None:
        raise DownloadError(f"{path.name} is not on this machine, and its card names no address; {by_hand}")
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

        urls.append(hf_hub_url(card.hub_id, file))
    return urls
