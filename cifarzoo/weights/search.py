"""Weights by name: what is known of them, and where their bytes are found."""

from __future__ import annotations

import os
from difflib import get_close_matches
from pathlib import Path

from torch import Tensor

from cifarzoo.errors import IntegrityError, UnknownModelError
from cifarzoo.weights.cards import Card
from cifarzoo.weights.remote import cache_folder, read_cached
from cifarzoo.weights.store import read_card, read_checked

PACKAGE = Path(__file__).parent / "files"
PREFERRED = "speednet.cifar10"  # small and quick on any processor: what classifies pictures where nothing is said
_SUFFIX = ".safetensors"


def folders() -> list[Path]:
    """Where cards and weights are looked for, in this order: the package, $CIFARZOO_WEIGHTS, the cache.

    ``CIFARZOO_WEIGHTS`` may name several folders, separated as in ``PATH``.
    """
    named = os.environ.get("CIFARZOO_WEIGHTS", "").split(os.pathsep)
    return [PACKAGE, *(Path(folder) for folder in named if folder), cache_folder()]


def names() -> list[str]:
    """The names (``arch.tag``) of all weights whose card is found, sorted."""
    return sorted({name for folder in folders() for name in _names_in(folder)})


def _names_in(folder: Path) -> set[str]:
    """The names of the cards in one folder."""
    return {path.stem for path in folder.glob("*.*.json") if all(path.stem.partition(".")) and path.is_file()}


def resolve(name: str) -> str:
    """The full name of weights: ``arch`` alone stands for its first tag in alphabetical order.

    The package's tags come before those of other folders: no weights of a user's own take the place of published ones.

    Raises:
        UnknownModelError: there are no such weights.
    """
    known = names()
    if name in known:
        return name
    arch = name.partition(".")[0]
    tags = [other for other in known if other.startswith(f"{arch}.")]
    if tags and name == arch:
        published = _names_in(PACKAGE)
        return min(tags, key=lambda tag: (tag not in published, tag))
    if tags:
        raise UnknownModelError(f"no weights are named {name!r}; of {arch} there are: {', '.join(tags)}")
    nearest = ", ".join(get_close_matches(name, known, n=3, cutoff=0.0)) or "none yet"
    raise UnknownModelError(
        f"no weights are published for {name!r} (nearest: {nearest}; looked in {', '.join(map(str, folders()))}); "
        "train it, then pretrained='path/to/run'"
    )


def info(name: str) -> Card:
    """The card of weights.

    Args:
        name: ``arch.tag``, or ``arch`` for its default tag.

    Raises:
        UnknownModelError: there are no such weights.
        IntegrityError: their card is damaged, or that of other weights.
    """
    name = resolve(name)
    path = next(path for folder in folders() if (path := folder / f"{name}.json").is_file())
    card = read_card(path)
    arch, _, tag = name.partition(".")
    if card.arch != arch or card.tag not in (None, tag):  # a run's weights have no tag: a copy may bear any
        raise IntegrityError(
            f"{path} has arch (={card.arch!r}) and tag (={card.tag!r}) of other weights than {name}; give card and "
            "weights their own name back, or publish them under this one"
        )
    return card


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
    by_hand = f"put {cached.name} into {cached.parent}, or into a folder that CIFARZOO_WEIGHTS names"
    return read_cached(cached, card, by_hand=by_hand), card
