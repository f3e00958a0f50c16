"""Checkpoints of a run that survive any crash: a folder is there whole, or it is not there.

Each is written under a temporary name, every file synced, the manifest of SHA-256 hashes last, then renamed. The two
newest are kept; one is believed only if its manifest and all hashes hold. No pickle is read or written.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from cifarzoo import files
from cifarzoo.errors import IntegrityError, ResumeError

_TENSORS, _FACTS, _MANIFEST = "state.safetensors", "state.json", "manifest.json"
_GENERATIONS = 2


class CheckpointWarning(UserWarning):
    """A checkpoint could not be written or read; training goes on."""


def save_checkpoint(folder: Path, name: str, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> Path:
    """Write a checkpoint, then remove all but the two newest.

    Args:
        folder: of all checkpoints of a run.
        name: sorts after the names of all older checkpoints.
        tensors: of any device and memory order.
        facts: JSON values.

    Returns:
        The checkpoint's own folder; one of that name that is there already stays as it is.

    Raises:
        OSError: it could not be written; those that were there before are untouched.
    """
    final = folder / name
    if final.exists():
        return final
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{final.name}.{secrets.token_hex(4)}.partial"
    copies = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    contents = {_TENSORS: safetensors.torch.save(copies), _FACTS: json.dumps(facts).encode()}
    manifest = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        for name, content in contents.items()
    }
    contents[_MANIFEST] = json.dumps(manifest, indent=2).encode()  # last, so that it vouches for what is there
    try:
        partial.mkdir()
        for name, content in contents.items():
            _write_synced(partial / name, content)
        files.sync_folder(partial)
        os.rename(partial, final)  # noqa: PTH104  (os.rename, os.write and os.fsync: the calls that the fault tests count)
        files.sync_folder(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    for old in _complete(folder)[_GENERATIONS:]:
        _remove(old)
    return final


def load_newest(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The newest checkpoint that is intact, and clear away what a crash has left half written.

    Returns:
        Its tensors and facts; None if the folder holds no checkpoint.

    Raises:
        ResumeError: there are checkpoints, and none of them is intact.
    """
    if not folder.is_dir():
        return None
    for leftover in folder.glob(".*"):
        shutil.rmtree(leftover, ignore_errors=True)
    candidates = _complete(folder)
    for place, candidate in enumerate(candidates):
        try:
            found = _read(candidate)
        except (OSError, IntegrityError) as error:
            warnings.warn(f"checkpoint {candidate} is damaged ({error}); an older one is tried", CheckpointWarning, 2)
            continue
        for damaged in candidates[:place]:  # else they would stand where the run is to save again
            _remove(damaged)
        return found
    if candidates:
        raise ResumeError(f"no checkpoint in {folder} is intact; resume='never' begins the run anew")
    return None


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints of a run."""
    if folder.is_dir():
        _remove(folder)


def _complete(folder: Path) -> list[Path]:
    """The checkpoints that have been renamed into place, the newest first."""
    return sorted((path for path in folder.iterdir() if path.name[0] != "." and path.is_dir()), reverse=True)


def _read(checkpoint: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """A checkpoint's tensors and facts, parsed from the very bytes whose hashes were checked."""
    try:
        manifest = json.loads((checkpoint / _MANIFEST).read_bytes())
        contents = {name: (checkpoint / name).read_bytes() for name in (_TENSORS, _FACTS)}
        for name, content in contents.items():
            if hashlib.sha256(content).hexdigest() != manifest[name]["sha256"]:
                raise IntegrityError(f"{name} has another SHA-256 than its manifest")
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(f"{_MANIFEST} cannot be read: {error}") from None
    return safetensors.torch.load(contents[_TENSORS]), json.loads(contents[_FACTS])


def _write_synced(path: Path, content: bytes) -> None:
    """Write a new file and wait until the disk has it."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(handle, rest) :]
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(folder: Path) -> None:
    """Remove a folder such that no crash leaves a part of it under its name."""
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.removed")
    os.rename(folder, aside)  # noqa: PTH104
    shutil.rmtree(aside, ignore_errors=True)
