"""scikit-learn's handwritten digits (Alpaydin and Kaynak, 1998): small, and there without a download."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from cifarzoo.data.dataset import Dataset
from cifarzoo.data.measure import fingerprint, mean_and_std
from cifarzoo.data.parts import stratified
from cifarzoo.errors import DataError, SettingError

_SIZE_PX = 32
_TEST_FRACTION = 0.2
_LEVELS = 16  # the digits' grey levels are 0 ... 16


class Digits(Dataset):
    """The 1,797 8x8 digits, enlarged to 32x32 and three equal channels; a stratified fifth of them is the test part.

    Args:
        split: "train" or "test".

    Raises:
        DataError: scikit-learn is not installed.
    """

    def __init__(self, split: str = "train") -> None:
        if split not in ("train", "test"):
            raise SettingError(f"split (={split!r}) of digits must be 'train' or 'test'")
        try:
            from sklearn.datasets import load_digits  # type: ignore[import-untyped]  # it ships no types
        except ImportError:
            raise DataError("the digits come with scikit-learn; pip install 'cifarzoo[demo]'") from None
        grey, labels = load_digits(return_X_y=True)
        small = torch.from_numpy(grey.astype(np.float32)).view(-1, 1, 8, 8) * (255 / _LEVELS)  # (N, 1, 8, 8)
        large = F.interpolate(small, size=(_SIZE_PX, _SIZE_PX), mode="bilinear", align_corners=False)  # (N, 1, 32, 32)
        images = large.round().to(torch.uint8).expand(-1, 3, -1, -1)  # (N, 3, 32, 32)
        targets = torch.from_numpy(labels.astype(np.int64))
        train, test = stratified(targets, _TEST_FRACTION, seed=0)
        rows = train if split == "train" else test
        classes = tuple("0123456789")
        mean, std = mean_and_std(images[train])
        images, targets = images[rows].contiguous(), targets[rows]
        super().__init__(
            images=images,
            targets=targets,
            classes=classes,
            mean=mean,
            std=std,
            name="digits",
            split=split,
            fingerprint=fingerprint(images, targets, classes),
        )
