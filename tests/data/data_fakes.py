"""Small sets in the true file formats, built by code."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

WNIDS = ("n01443537", "n01629819", "n02124075")  # sorted


def pixels(count: int, size_px: int, seed: int = 0) -> np.ndarray:
    """(N, 3, H, W) uint8: smooth colours, so that JPEG keeps the images apart."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 256, (count, 3, 2, 2)).astype(np.float64)
    ramp = np.linspace(0, 1, size_px)
    rows = corners[:, :, :1] * (1 - ramp[:, None]) + corners[:, :, 1:] * ramp[:, None]  # (N, 3, H, 2)
    return (rows[..., :1] * (1 - ramp) + rows[..., 1:] * ramp).round().astype(np.uint8)


def encode(image: np.ndarray, kind: str = "JPEG", mode: str = "RGB") -> bytes:
    """(3, H, W) uint8 as a file."""
    buffer = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def write_binary_cifar10(root: Path, per_batch: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """The official binary folder; returns all images and labels in the order of the files."""
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    images = pixels(per_batch * len(names), 32)
    labels = np.arange(len(images), dtype=np.uint8) % 10
    records = np.concatenate([labels[:, None], images.reshape(len(images), -1)], axis=1)
    for name, part in zip(names, np.split(records, len(names)), strict=True):
        (folder / name).write_bytes(part.tobytes())
    return images, labels


def tiny_members(per_class: int = 4, val_per_class: int = 2) -> dict[str, bytes]:
    """The members of the official archive by name: a few classes, some pictures grey."""
    members = {"wnids.txt": "\n".join(reversed(WNIDS)).encode() + b"\n"}
    members["words.txt"] = "".join(f"{wnid}\tword {wnid}, other\n" for wnid in WNIDS).encode()
    images = iter(pixels(len(WNIDS) * (per_class + val_per_class), 64))
    for wnid in WNIDS:
        members[f"train/{wnid}/{wnid}_boxes.txt"] = b"n_0.JPEG\t0\t0\t63\t63\n"
        for number in range(per_class):
            mode = "L" if number == 1 else "RGB"
            members[f"train/{wnid}/images/{wnid}_{number}.JPEG"] = encode(next(images), mode=mode)
    lines = []
    for number in range(len(WNIDS) * val_per_class):
        members[f"val/images/val_{number}.JPEG"] = encode(next(images))
        lines.append(f"val_{number}.JPEG\t{WNIDS[-1 - number % len(WNIDS)]}\t0\t0\t63\t63\n")
    members["val/val_annotations.txt"] = "".join(lines).encode()
    return {f"tiny-imagenet-200/{name}": content for name, content in members.items()}


def write_tiny_zip(root: Path, members: dict[str, bytes] | None = None, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """The official zip."""
    root.mkdir(parents=True, exist_ok=True)
    path = root / "tiny-imagenet-200.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in (members or tiny_members()).items():
            archive.writestr(name, content)
    return path


def write_files(root: Path, members: dict[str, bytes]) -> None:
    """The members as files."""
    for name, content in members.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
