"""Weights by name: what is known of them, and where their bytes are found."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from torch import Tensor

from cifarzoo.errors import DownloadError, IntegrityError, UnknownModelError
from cifarzoo.files import locked, user_cache
from cifarzoo.weights.cards import Card
from cifarzoo.weights.store import read_checked

PACKAGE = Path(__file__).parent / "files"
PREFERRED = "speednet.cifar10"  # small and quick on any processor: what classifies pictures where nothing is said
_SUFFIX = ".safetensors"


def cache_folder() -> Path:
    """Where fetched weights are kept."""
    return user_cache() / "weights"


def folders() -> list[Path]:
    """Where cards and weights are looked for, in this order: the package, $CIFARZOO_WEIGHTS, the cache.

    ``CIFARZOO_WEIGHTS`` may name several folders, separated as in ``PATH``.
    """
    named = os.environ.get("CIFARZOO_WEIGHTS", "").split(os.pathsep)
    return [PACKAGE, *(Path(folder) for folder in named if folder), cache_folder()]


def names() -> list[str]:
    """The names (``arch.tag``) of all weights whose card is found, sorted."""
    found = {path.stem for folder in folders() for path in folder.glob("*.*.json")}
    return sorted(name for name in found if all(name.partition(".")))


def resolve(name: str) -> str:
    """The full name of weights: ``arch`` alone stands for its first tag in alphabetical order.

    Raises:
        UnknownModelError: there are no such weights.
    """
    known = names()
    if name in known:
        return name
    arch = name.partition(".")[0]
    tags = [other for other in known if other.startswith(f"{arch}.")]
    if tags and name == arch:
        return tags[0]
    if tags:
        raise UnknownModelError(f"no weights are named {name!r}; of {arch} there are: {', '.join(tags)}")
    nearest = ", ".join(get_close_matches(name, known, n=3, cutoff=0.0)) or "none yet"
    raise UnknownModelError(
        f"no weights are published for {name!r} (nearest: {nearest}); train it, then pretrained='path/to/run'"
    )


def info(name: str) -> Card:
    """The card of weights.

    Args:
        name: ``arch.tag``, or ``arch`` for its default tag.

    Raises:
        UnknownModelError: there are no such weights.
        IntegrityError: their card is damaged.
    """
    name = resolve(name)
    path = next(path for folder in folders() if (path := folder / f"{name}.json").is_file())
    return Card.from_json(path.read_bytes(), source=str(path))


def default() -> str:
    """The weights that classify pictures where nothing is said.

    Raises:
        UnknownModelError: there are no weights at all.
    """
    known = names()
    if not known:
        raise UnknownModelError("no pretrained weights are there yet; train a model and name its run (--model RUN)")
    return PREFERRED if PREFERRED in known else known[0]


def read(name: str) -> tuple[dict[str, Tensor], Card]:
    """The tensors and the card of weights, fetched into the cache if they are nowhere on this machine.

    Args:
        name: ``arch.tag``, or ``arch`` for its default tag.

    Raises:
        UnknownModelError: there are no such weights.
        IntegrityError: a file is not the one that the card promises.
        DownloadError: they cannot be fetched, or ``CIFARZOO_OFFLINE`` forbids it.
    """
    name = resolve(name)
    card = info(name)
    *local, cached = (folder / f"{name}{_SUFFIX}" for folder in folders())
    for path in local:
        if path.is_file():
            remedy = "reinstall cifarzoo" if path.parent == PACKAGE else "copy it there again, or remove it"
            return read_checked(path, card, remedy=remedy), card
    if cached.is_file():
        try:
            return read_checked(cached, card), card
        except IntegrityError:
            _discard(cached, card)
    _fetch(cached, card)
    return read_checked(cached, card), card


def _discard(path: Path, card: Card) -> None:
    """Remove a wrong file from the cache, unless another process has put the right one there meanwhile."""
    with locked(path):
        try:
            read_checked(path, card)
        except IntegrityError:
            path.unlink(missing_ok=True)


def _fetch(path: Path, card: Card) -> None:
    """Have the file in the cache, from the first of the card's addresses that gives the right bytes."""
    from cifarzoo.data import download  # with it come all readers: only where something is fetched
    from cifarzoo.data.specs import Archive

    by_hand = f"put {path.name} into {path.parent}, or into a folder that CIFARZOO_WEIGHTS names"
    addresses = _addresses(card, path.name)
    if not addresses or card.sha256 is None or card.bytes is None:
        raise DownloadError(f"{path.name} is not on this machine, and its card names no address; {by_hand}")
    if download.offline():
        raise DownloadError(f"{path.name} is not on this machine, and CIFARZOO_OFFLINE is set; unset it, or {by_hand}")
    problems = []
    for url in addresses:
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
