"""Curves of training runs as pictures, drawn without a display."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cifarzoo import files
from cifarzoo.errors import DataError
from cifarzoo.training.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PALETTE = ("#1f5fa8", "#c8501e", "#2f7d4f", "#7a4b9e", "#8a6d1d", "#37808c", "#b03a5b", "#555555")


def draw_curves(runs: Mapping[str, History]) -> Figure:
    """Loss, accuracy and learning rate against epochs, one above the other.

    Args:
        runs: name to history; a colour each, training dashed and test solid.

    Raises:
        DataError: a run without an epoch.
    """
    from matplotlib.figure import Figure  # takes a second: only where a picture is wanted
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(7, 7), layout="constrained")
    loss, accuracy, lr = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1.2))
    for index, (name, history) in enumerate(runs.items()):
        if not history.records:
            raise DataError(f"run {name!r} has no finished epoch to draw; train at least one")
        colour = _PALETTE[index % len(_PALETTE)]
        label = f"{name}, " if len(runs) > 1 else ""
        epochs = [record.epoch for record in history.records]
        marker = "o" if len(epochs) == 1 else None  # a line needs two points
        loss.plot(epochs, [r.train_loss for r in history.records], "--", c=colour, marker=marker, label=f"{label}train")
        accuracy.plot(epochs, [r.train_top1 for r in history.records], "--", c=colour, marker=marker)
        lr.plot(epochs, [r.lr for r in history.records], c=colour, marker=marker)
        tested = [r for r in history.records if r.test_loss is not None]
        at = [r.epoch for r in tested]
        marker = "o" if len(tested) == 1 else None
        loss.plot(at, [r.test_loss for r in tested], c=colour, marker=marker, label=f"{label}test" if tested else None)
        accuracy.plot(at, [r.test_top1 for r in tested], c=colour, marker=marker)
    loss.set_ylabel("loss (nats)")
    loss.legend(frameon=False)
    accuracy.set_ylabel("accuracy (%)")
    lr.set_ylabel("learning rate")
    lr.set_xlabel("epoch")
    lr.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (loss, accuracy, lr):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def save_figure(figure: Figure, path: Path | str) -> None:
    """Write a figure as PNG, whole or not at all; the same figure gives the same bytes."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=120, metadata={"Software": None})
    files.write_bytes(path, content.getvalue())
