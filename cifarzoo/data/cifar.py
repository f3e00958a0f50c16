"""CIFAR-10 and CIFAR-100 (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): 32x32."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from cifarzoo.data import cifar_layouts, specs
from cifarzoo.data.official import OfficialSet


class CIFAR10(OfficialSet):
    """The 50,000 training or 10,000 test images in 10 classes.

    Args:
        root: the folder that holds a layout, or the layout itself: the official binary or python version (folder or
            tar.gz), Hugging Face parquet files, or a tree ``train/<class>/*.png``.
        split: "train" or "test".
        download: fetch the official archive (170 MB) into ``root`` where nothing is found.
        cache: the folder for the decoded images, "auto" for the user's, None for none.
        on_error: "raise", or "skip" to leave out images that cannot be decoded.
        partial: accept fewer images than the official set has.

    Raises:
        DataError: nothing is found, or what is found is damaged or incomplete.
        DownloadError: the archive cannot be fetched.
    """

    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        *,
        download: bool = False,
        cache: Path | str | None = "auto",
        on_error: str = "raise",
        partial: bool = False,
    ) -> None:
        found = cifar_layouts.find(cifar_layouts.CIFAR10, Path(root).expanduser(), split, download=download)
        super().__init__(specs.CIFAR10, split, found, cache=cache, on_error=on_error, partial=partial)


class CIFAR100(OfficialSet):
    """The 50,000 training or 10,000 test images in 100 classes, which form 20 superclasses.

    Args:
        root: as for ``CIFAR10``.
        split: "train" or "test".
        download: fetch the official archive (169 MB) into ``root`` where nothing is found.
        cache: the folder for the decoded images, "auto" for the user's, None for none.
        on_error: "raise", or "skip" to leave out images that cannot be decoded.
        partial: accept fewer images than the official set has.

    Attributes:
        coarse_classes: the names of the superclasses.

    Raises:
        DataError: nothing is found, or what is found is damaged or incomplete.
        DownloadError: the archive cannot be fetched.
    """

    coarse_classes = specs.CIFAR100_COARSE_CLASSES

    def __init__(
        self,
        root: Path | str,
        split: str = "train",
        *,
        download: bool = False,
        cache: Path | str | None = "auto",
        on_error: str = "raise",
        partial: bool = False,
    ) -> None:
        found = cifar_layouts.find(cifar_layouts.CIFAR100, Path(root).expanduser(), split, download=download)
        super().__init__(specs.CIFAR100, split, found, cache=cache, on_error=on_error, partial=partial)

    @property
    def coarse_targets(self) -> Tensor:
        """(N,) int64, each image's superclass."""
        return self.columns["coarse_targets"]
