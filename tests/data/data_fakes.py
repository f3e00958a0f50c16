"""Small sets in the true file formats, built by code."""

from __future__ import annotations

import contextlib
import gzip
import io
import pickle
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from cifarzoo.data import specs
from cifarzoo.errors import CifarZooError

WNIDS = ("n01443537", "n01629819", "n02124075")  # sorted


def pixels(count: int, size_px: int, seed: int = 0) -> np.ndarray:
    """(N, 3, H, W) uint8: smooth colours, so that JPEG keeps the images apart."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 256, (count, 3, 2, 2)).astype(np.float64)
    ramp = np.linspace(0, 1, size_px)
    rows = corners[:, :, :1] * (1 - ramp[:, None]) + corners[:, :, 1:] * ramp[:, None]  # (N, 3, H, 2)
    return (rows[..., :1] * (1 - ramp) + rows[..., 1:] * ramp).round().astype(np.uint8)


def encode(image: np.ndarray, kind: str = "JPEG", mode: str = "RGB", **options: object) -> bytes:
    """(3, H, W) uint8 as a file."""
    buffer = io.BytesIO()
    Image.fromarray(image.transpose(1, 2, 0)).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def write_files(root: Path, members: dict[str, bytes]) -> Path:
    """Members as files."""
    for name, content in members.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    """Members as a ``.tar.gz``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_zip(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Members as a zip archive."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


# CIFAR -------------------------------------------------------------------------------------------------------------


def cifar(count: int, num_classes: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, 3, 32, 32) and labels (N,), as many of each class as the next."""
    return pixels(count, 32, seed), np.arange(count, dtype=np.uint8) % num_classes


def binary10(per_batch: int = 20) -> tuple[dict[str, bytes], np.ndarray, np.ndarray]:
    """The batches of the binary version of CIFAR-10, and what is in them, the test batch last."""
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    images, labels = cifar(per_batch * len(names))
    records = np.concatenate([labels[:, None], images.reshape(len(images), -1)], axis=1)
    parts = np.split(records, len(names))
    return {f"cifar-10-batches-bin/{n}": part.tobytes() for n, part in zip(names, parts, strict=True)}, images, labels


def binary100(count: int = 100) -> tuple[dict[str, bytes], np.ndarray, np.ndarray, np.ndarray]:
    """The same of CIFAR-100: train and test are equal; images, fine and coarse labels."""
    images, fine = cifar(count, 100)
    coarse = np.array(specs.CIFAR100_COARSE_OF_FINE, dtype=np.uint8)[fine]
    records = np.concatenate([coarse[:, None], fine[:, None], images.reshape(count, -1)], axis=1).tobytes()
    return {"cifar-100-binary/train.bin": records, "cifar-100-binary/test.bin": records}, images, fine, coarse


def pickle_as_python2(batch: dict[str, object]) -> bytes:
    """A pickle as Python 2 and the numpy of 2009 wrote the official batches: no bytes, strings of bytes instead."""
    stream = bytearray(b"\x80\x02}")

    def string(text: bytes) -> bytes:
        return b"U" + bytes([len(text)]) + text if len(text) < 256 else b"T" + struct.pack("<i", len(text)) + text

    for key, value in batch.items():
        stream += string(key.encode())
        if isinstance(value, np.ndarray):
            rows, columns = value.shape
            stream += b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
            stream += b"(K\x01" + b"J" + struct.pack("<i", rows) + b"M" + struct.pack("<H", columns) + b"\x86"
            stream += b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
            stream += b"\x89" + string(value.tobytes()) + b"tb"
        elif isinstance(value, list):
            items = [b"K" + bytes([item]) if isinstance(item, int) else string(item.encode()) for item in value]
            stream += b"](" + b"".join(items) + b"e"
        else:
            stream += string(str(value).encode())
        stream += b"s"
    return bytes(stream + b".")


def python_batch(images: np.ndarray, labels: dict[str, np.ndarray], protocol: int) -> bytes:
    """A batch of the python version, protocol 0 standing for what Python 2 wrote."""
    batch: dict[str, object] = {"batch_label": "training batch 1 of 5"}
    batch |= {name: [int(label) for label in column] for name, column in labels.items()}
    batch["data"] = images.reshape(len(images), -1)
    batch["filenames"] = [f"picture_{number}.png" for number in range(len(images))]
    return pickle.dumps(batch, protocol) if protocol else pickle_as_python2(batch)


def python10(per_batch: int = 20, protocol: int = 0) -> dict[str, bytes]:
    """The batches of the python version of CIFAR-10, with the images of ``binary10``."""
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    images, labels = cifar(per_batch * len(names))
    members = {"cifar-10-batches-py/batches.meta": pickle.dumps({"label_names": list(specs.CIFAR10_CLASSES)}, 2)}
    for place, name in enumerate(names):
        rows = slice(place * per_batch, (place + 1) * per_batch)
        members[f"cifar-10-batches-py/{name}"] = python_batch(images[rows], {"labels": labels[rows]}, protocol)
    return members


def python100(count: int = 100) -> dict[str, bytes]:
    """The same of CIFAR-100, with the images of ``binary100``."""
    _, images, fine, coarse = binary100(count)
    batch = python_batch(images, {"fine_labels": fine, "coarse_labels": coarse}, 0)
    return {"cifar-100-python/train": batch, "cifar-100-python/test": batch}


def png_tree(images: np.ndarray, labels: np.ndarray, classes: Sequence[str], split: str = "train") -> dict[str, bytes]:
    """A tree ``<split>/<class>/*.png``."""
    return {
        f"{split}/{classes[label]}/{number:05d}.png": encode(image, "PNG")
        for number, (image, label) in enumerate(zip(images, labels, strict=True))
    }


def write_parquet(
    path: Path, pictures: Sequence[bytes], image: str, labels: dict[str, tuple[object, list[str]]]
) -> Path:
    """A file as the Hub keeps it; ``labels`` gives numbers and their names for each column."""
    import datasets

    features = {image: datasets.Image()} | {k: datasets.ClassLabel(names=names) for k, (_, names) in labels.items()}
    columns: dict[str, object] = {image: [{"bytes": content, "path": None} for content in pictures]}
    columns |= {name: [int(number) for number in numbers] for name, (numbers, _) in labels.items()}  # type: ignore[attr-defined]
    path.parent.mkdir(parents=True, exist_ok=True)
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict(columns, features=datasets.Features(features)).to_parquet(str(path))
    return path


# Tiny-ImageNet -----------------------------------------------------------------------------------------------------


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


def rearranged(members: dict[str, bytes], inner: str) -> dict[str, bytes]:
    """The same with val in folders by class, as many people have it; ``inner`` is "" or "images/"."""
    base = "tiny-imagenet-200/val/"
    lines = members[f"{base}val_annotations.txt"].decode().splitlines()
    wnids = dict(line.split("\t")[:2] for line in lines)
    moved = {name: content for name, content in members.items() if not name.startswith(base)}
    for name, wnid in wnids.items():
        moved[f"{base}{wnid}/{inner}{name}"] = members[f"{base}images/{name}"]
    return moved


def pillow(content: bytes) -> np.ndarray:
    """What Pillow makes of a picture, (3, H, W) uint8."""
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).transpose(2, 0, 1)


def peak_bytes(call: Callable[[], object]) -> int:
    """The most memory that a call has at once, arrays included, whether it ends well or with an error of ours."""
    tracemalloc.start()
    try:
        with contextlib.suppress(CifarZooError):
            call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def gzip_bomb(path: Path, size: int) -> Path:
    """A ``.tar.gz`` whose one member expands to ``size`` zero bytes."""
    info = tarfile.TarInfo("cifar-10-batches-bin/data_batch_1.bin")
    info.size = size
    with gzip.open(path, "wb", compresslevel=9) as file:
        file.write(info.tobuf())
        for _ in range(0, size, 1 << 20):
            file.write(bytes(1 << 20))
    return path
