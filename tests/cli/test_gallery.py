"""What was seen in pictures, drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from cifarzoo.cli.gallery import write_gallery


def test_a_name_may_have_dollars(tmp_path: Path) -> None:
    """They begin a formula in matplotlib."""
    path = tmp_path / "cost$5_to_$6^{.png"
    Image.new("RGB", (9, 9)).save(path)
    write_gallery({str(path): [{"class": "$^{", "probability": 0.9}]}, tmp_path / "seen.png")
    with Image.open(tmp_path / "seen.png") as drawn:
        assert drawn.format == "PNG"


def test_each_picture_is_in_the_drawing(tmp_path: Path) -> None:
    """By its colour, which nothing else in the drawing has."""
    colours = {"red": (250, 10, 20), "green": (10, 200, 30)}
    found = {}
    for name, colour in colours.items():
        Image.new("RGB", (40, 25), colour).save(tmp_path / f"{name}.png")
        found[str(tmp_path / f"{name}.png")] = [{"class": name, "probability": 0.9}, {"class": "x", "probability": 0.1}]
    write_gallery(found, tmp_path / "seen.png")
    with Image.open(tmp_path / "seen.png") as drawn:
        pixels = np.asarray(drawn.convert("RGB")).astype(int)
    for colour in colours.values():
        assert (np.abs(pixels - colour).max(-1) <= 2).sum() > 1000
