"""What docs/augment.md shows runs, and it shows every preset."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import torch

from cifarzoo import augment

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "augment.md").read_text(encoding="utf-8")


def test_examples_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 5
    images = torch.randint(0, 256, (8, 3, 32, 32), dtype=torch.uint8)
    names = {
        "images": images,
        "batches": [(images, torch.arange(8))],
        "model": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3072, 10)),
        "criterion": torch.nn.functional.cross_entropy,
    }
    for block in blocks:
        if "import kornia" in block and importlib.util.find_spec("kornia") is None:
            continue
        exec(block, names)
        assert names["pipeline"](images).shape == images.shape
    assert names["targets"].shape == (8, 10)


def test_every_preset_has_its_picture() -> None:
    for name in set(augment.list_presets()) - {"none"}:
        assert f"![{name}](pictures/augment-{name}.png)" in PAGE
        assert (DOCS / "pictures" / f"augment-{name}.png").is_file()


def test_every_operation_is_named() -> None:
    for name, value in vars(augment).items():
        if (
            isinstance(value, type)
            and issubclass(value, augment.Op | augment.MixOp)
            and value not in (augment.Op, augment.MixOp)
        ):
            assert f"`{name}`" in PAGE
