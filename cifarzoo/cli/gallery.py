"""Pictures beside what a model sees in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifarzoo.cli.pictures import read_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN_PX = 256  # side at which a picture is shown, whatever the model saw
_ROW_IN = 1.6  # height of a picture's row
_COLOUR = "#1f5fa8"


def draw_gallery(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> Figure:
    """Draw a row for each picture: the middle square that was looked at, and a bar for each class.

    Args:
        found: picture file to its classes, ``{"class": ..., "probability": ...}``, the likeliest first.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, _ROW_IN * len(found)), layout="constrained", dpi=120)
    grid = figure.subplots(len(found), 2, squeeze=False, width_ratios=(1, 2.4))
    for (picture, places), (left, right) in zip(found.items(), grid, strict=True):
        left.imshow(read_picture(Path(picture), _SHOWN_PX).permute(1, 2, 0).numpy())  # (H, W, 3)
        left.set_axis_off()
        shares = [100 * place["probability"] for place in places]
        bars = right.barh(range(len(places)), shares, color=_COLOUR, height=0.7)
        right.set_yticks(range(len(places)), [place["class"] for place in places], parse_math=False)  # $ is a letter
        right.bar_label(bars, [f"{share:.1f} %" for share in shares], padding=3, fontsize=8)
        right.set_xlim(0, 115)  # room for the label of a full bar
        right.invert_yaxis()
        right.set_title(Path(picture).name, loc="left", fontsize=9, parse_math=False)
        right.tick_params(labelsize=8, left=False)
        right.xaxis.set_visible(False)
        right.spines[:].set_visible(False)
    return figure
