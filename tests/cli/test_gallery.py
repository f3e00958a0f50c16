"""What was seen in pictures, drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from cifarzoo.cli.gallery import draw_gallery


def test_a_name_may_have_dollars(tmp_path: Path) -> None:
    """They begin a formula in matplotlib."""
    path = tmp_path / "cost$5_to_$6^{.png"
    Image.new("RGB", (9, 9)).save(path)
    FigureCanvasAgg(draw_gallery({str(path): [{"class": "$^{", "probability": 0.9}]})).draw()


def test_each_picture_is_in_the_drawing(tmp_path: Path) -> None:
    """By its colour, which nothing else in the drawing has."""
    colours = {"red": (250, 10, 20), "green": (10, 200, 30)}
    found = {}
    for name, colour in colours.items():
        Image.new("RGB", (40, 25), colour).save(tmp_path / f"{name}.png")
        found[str(tmp_path / f"{name}.png")] = [{"class": name, "probability": 0.9}, {"class": "x", "probability": 0.1}]
    canvas = FigureCanvasAgg(draw_gallery(found))
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)  # (H, W, 3)
    for colour in colours.values():
        assert (np.abs(pixels - colour).max(-1) <= 2).sum() > 1000
