"""Weight files: safetensors with their card beside them; nothing is parsed before its hash is known to be right."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from cifarzoo import files
from cifarzoo.errors import DataError, IntegrityError
from cifarzoo.weights.cards import Card

RUN_WEIGHTS = "model.safetensors"  # what a run's folder calls its own


def save_weights(state: Mapping[str, Tensor], card: Card, path: Path | str) -> Card:
    """Write ``path`` (safetensors) and its card beside it (the same name, ``.json``).

    Args:
        state: a model's state dict.
        card: its description; hash, size and number of bytes are filled in here.
        path: ends in ``.safetensors``.

    Returns:
        The card as written.
    """
    path = Path(path)
    # Cloned, since the format refuses tensors that share memory; no metadata, so the same weights give the same bytes.
    content = safetensors.torch.save(
        {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in state.items()}
    )
    card = replace(card, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    files.write_bytes(path, content)
    files.write_text(path.with_suffix(".json"), card.to_json())
    return card


def load_weights(path: Path | str) -> tuple[dict[str, Tensor], Card]:
    """Read a weight file and its card: ``path`` is the ``.safetensors`` file or a run's folder.

    Raises:
        DataError: the file or its card is not there.
        IntegrityError: the bytes are not those that the card promises.
    """
    path = Path(path)
    if path.is_dir():
        path = path / RUN_WEIGHTS
    card_path = path.with_suffix(".json")
    for wanted in (path, card_path):
        if not wanted.is_file():
            raise DataError(f"{wanted} is not there; name a run's folder or a .safetensors file with its .json card")
    card = read_card(card_path)
    return read_checked(path, card), card


def read_card(path: Path) -> Card:
    """The card in a file; IntegrityError where it cannot be read."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise IntegrityError(f"{path} cannot be read ({error.strerror or error}); restore it") from None
    return Card.from_json(text, source=str(path))


def read_checked(path: Path, card: Card, *, remedy: str = "fetch or train it again") -> dict[str, Tensor]:
    """The tensors of a weight file: its bytes are read once, checked against the card's hash, then parsed.

    Args:
        path: of the file.
        card: whose hash the file must have.
        remedy: what to do about a file that has another.

    Raises:
        DataError: it cannot be read.
        IntegrityError: the bytes are not those that the card promises.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); {remedy}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        size = f" and {card.bytes} bytes" if card.bytes not in (None, len(content)) else ""
        raise IntegrityError(
            f"{path} has SHA-256 {found}{size and f' and {len(content)} bytes'}, its card says {card.sha256}{size}; "
            f"{remedy}"
        )
    try:
        return safetensors.torch.load(content)
    except SafetensorError as error:
        raise IntegrityError(f"{path} is not a safetensors file ({error}); {remedy}") from None
