"""Tiny-ImageNet (Le and Yang, "Tiny ImageNet visual recognition challenge", 2015): 64x64, 200 classes.

Labels are indices into the sorted wnids. Some 2 % of the files are grey; they become RGB like all others.
"""

from __future__ import annotations

from pathlib import Path

from cifarzoo.data import build, specs
from cifarzoo.data.contents import Contents
from cifarzoo.data.dataset import Dataset
from cifarzoo.data.layouts import check_counts, check_split, encoded, is_picture, missing, tree_contents
from cifarzoo.data.sources import Files, open_files
from cifarzoo.errors import DataError

_SIZE_PX = (64, 64)
_LAYOUTS = (
    "tiny-imagenet-200.zip",
    "tiny-imagenet-200/ with wnids.txt, train/<wnid>/images/*.JPEG and val/val_annotations.txt",
    "the same with val/<wnid>/",
)


class TinyImageNet(Dataset):
    """The 100,000 training or 10,000 validation images.

    Args:
        root: the official zip, the unpacked folder, or the folder that holds either.
        split: "train" or "val" (the test images have no public labels).
        cache: the folder for the decoded images, "auto" for the user's, None for none.
        on_error: "raise", or "skip" to leave out images that cannot be decoded.
        partial: accept fewer images and classes than the official set has.

    Raises:
        DataError: nothing is found, or what is found is damaged or incomplete.
    """

    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        *,
        cache: Path | str | None = "auto",
        on_error: str = "raise",
        partial: bool = False,
    ) -> None:
        spec = specs.TINY_IMAGENET
        check_split(spec, split)
        path = _find(Path(root))

        def read() -> Contents:
            contents = _read(open_files(path), split)
            check_counts(spec, split, contents.targets, partial=partial, where=path)
            return contents

        arrays = build.load(spec.name, split, [path], read, where=cache, on_error=on_error, options=f"{partial}")
        super().__init__(
            images=arrays.images,
            targets=arrays.targets,
            classes=arrays.classes,
            class_names=arrays.class_names,
            mean=spec.mean,
            std=spec.std,
            name=spec.name,
            split=split,
            fingerprint=arrays.fingerprint,
            cache_file=arrays.file,
        )


def _find(root: Path) -> Path:
    """The archive or folder of the set."""
    if root.is_file():
        return root
    for folder in (root, root / "tiny-imagenet-200"):
        if (folder / "wnids.txt").is_file():
            return folder
    archive = root / "tiny-imagenet-200.zip"
    if archive.is_file():
        return archive
    raise missing("Tiny-ImageNet", root, _LAYOUTS)


def _read(files: Files, split: str) -> Contents:
    """The labels of a split, from a folder or an archive."""
    lists = [name for name in files.names if name.rpartition("/")[2] == "wnids.txt"]
    if not lists:
        raise DataError(f"{files.path} has no wnids.txt; get the official archive")
    base = min(lists, key=len)[: -len("wnids.txt")]
    classes = tuple(sorted(set(_text(files, f"{base}wnids.txt").split())))
    class_names = _words(files, base, classes)
    under = f"{base}{split}/"
    annotations = f"{under}val_annotations.txt"
    flat = [name for name in files.names if name.startswith(under) and is_picture(name) and _is_flat(name, under)]
    if split == "train" or not flat:
        return tree_contents(files, under, classes, class_names, _SIZE_PX)
    places = {name: label for label, name in enumerate(classes)}
    labels = {}
    for line in _text(files, annotations).splitlines():
        fields = line.split("\t")
        if len(fields) > 1 and fields[1] in places:
            labels[fields[0]] = places[fields[1]]
    unnamed = [name for name in flat if name.rpartition("/")[2] not in labels]
    if unnamed:
        raise DataError(f"{files.path}: {annotations} has no label for {unnamed[0]}; get the official archive")
    return encoded(files, [(labels[name.rpartition("/")[2]], name) for name in flat], classes, class_names, _SIZE_PX)


def _is_flat(name: str, under: str) -> bool:
    """Whether a picture lies directly in the split's folder or in its ``images/``."""
    return name[len(under) :].removeprefix("images/").count("/") == 0


def _text(files: Files, name: str) -> str:
    """A text file's content."""
    if name not in files.names:
        raise DataError(f"{files.path} has no {name}; get the official archive")
    return files.read(name).decode("utf-8", errors="replace")


def _words(files: Files, base: str, classes: tuple[str, ...]) -> tuple[str, ...]:
    """The classes in words, or as wnids where words.txt is missing."""
    if f"{base}words.txt" not in files.names:
        return classes
    words = dict(line.split("\t", 1) for line in _text(files, f"{base}words.txt").splitlines() if "\t" in line)
    return tuple(words.get(wnid, wnid).strip() for wnid in classes)
