"""The plot of accuracy against what training cost: ours beside what is published."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

COLOUR = {True: "#c8501e", False: "#555555"}  # ours, and theirs
# In which a name may be written, the preferred ones first.
ANGLES_DEG = (40, -40, 140, -140, 80, -80, 100, -100, 20, -20, 60, -60, 120, -120, 160, -160)
GAP_PX, LETTER_PX, ENOUGH_PX = 11, 6, 12  # from a point to its name, from letter to letter, between names


def digest(points: list[dict[str, Any]]) -> str:
    """What tells whether a drawing is of these points."""
    return hashlib.sha256(json.dumps(points, sort_keys=True).encode()).hexdigest()


def draw(points: list[dict[str, Any]], path: Path, *, titles: Mapping[str, str]) -> None:
    """Accuracy against operations of training, a panel for each data set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5), layout="constrained", dpi=110)
    panels = dict(zip(("cifar10", "tiny_imagenet"), figure.subplots(1, 2), strict=True))
    here = {dataset: [point for point in points if point["dataset"] == dataset] for dataset in panels}
    for dataset, axes in panels.items():
        for point in here[dataset]:
            marker, size = ("*", 130) if point["ours"] else ("o", 28)
            colour = COLOUR[point["ours"]]
            look = {"s": size, "marker": marker, "edgecolors": colour}
            axes.scatter(point["pflop"], point["top1"], facecolors=colour if point["views"] == 1 else "none", **look)
        for ours in pairs(here[dataset]):
            axes.plot([point["pflop"] for point in ours], [point["top1"] for point in ours], c=COLOUR[True], lw=0.8)
        axes.set(xscale="log", xlabel="PFLOP of training", ylabel="top-1 (%)")
        axes.set_title(titles[dataset], fontsize=10)
        axes.margins(0.2, 0.5)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("stars: cifarzoo; hollow: several views of each test picture averaged", fontsize=8)
    figure.draw_without_rendering()  # from now on it is known where everything lies
    for dataset, axes in panels.items():
        write_names(axes, sorted(here[dataset], key=lambda point: (not point["ours"], point["pflop"])))
    figure.savefig(path, metadata={"Description": digest(points), "Software": "cifarzoo"})


def pairs(points: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The points of each of our weights: a single view, and several."""
    names = dict.fromkeys(point["name"] for point in points if point["ours"])
    return [[point for point in points if point["name"] == name] for name in names]


def write_names(axes: Any, points: list[dict[str, Any]]) -> None:
    """Write each point's name where it keeps clear of the points, of the names before it and of the frame.

    Of our weights the single view bears the name.
    """
    marks = np.array([axes.transData.transform((point["pflop"], point["top1"])) for point in points])  # (N, 2) px
    names = np.empty((0, 2))
    for index, (point, mark) in enumerate(zip(points, marks, strict=True)):
        if point["ours"] and point["views"] > 1:
            continue
        taken = np.concatenate([np.delete(marks, index, axis=0), names])  # (M, 2)
        lines = {angle: mark + letters(point["name"], angle) for angle in ANGLES_DEG}
        angle = max(lines, key=lambda angle: clearance(lines[angle], taken, axes.get_window_extent()))
        names = np.concatenate([names, lines[angle]])
        place = {"xytext": letters(point["name"], angle)[0], "textcoords": "offset pixels", "va": "center"}
        turn = {"rotation": (angle + 90) % 180 - 90, "rotation_mode": "anchor"}  # never upside down
        look = {"ha": "right" if abs(angle) > 90 else "left", "fontsize": 7, "color": COLOUR[point["ours"]]}
        text = axes.annotate(point["name"], (point["pflop"], point["top1"]), **place, **turn, **look)
        text.set_in_layout(False)  # else the layout would move what was measured


def letters(name: str, angle_deg: float) -> np.ndarray:
    """Where a name's letters lie from its point on, (L, 2) px."""
    angle = math.radians(angle_deg)
    steps = GAP_PX + LETTER_PX * np.arange(len(name))  # (L,)
    return steps[:, None] * np.array([math.cos(angle), math.sin(angle)])  # (L, 2)


def clearance(line: np.ndarray, taken: np.ndarray, frame: Any) -> float:
    """How far a line of letters (L, 2) stays from what is taken (M, 2) and inside a frame; enough is enough."""
    apart = np.linalg.norm(line[:, None] - taken, axis=2)  # (L, M)
    return min(apart.min(initial=ENOUGH_PX), (line - frame.min).min(), (frame.max - line).min())
