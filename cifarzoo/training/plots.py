"""Curves of training runs as pictures, drawn without a display."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from cifarzoo import files
from cifarzoo.errors import DataError
from cifarzoo.training.history import History
from cifarzoo.training.lr_finder import LrRange

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_PALETTE = ("#1f5fa8", "#c8501e", "#2f7d4f", "#7a4b9e", "#8a6d1d", "#37808c", "#b03a5b", "#555555")
_NAMED_CLASSES, _NUMBERED_CLASSES = 100, 20  # more would not be legible


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
    legend: dict[str, Line2D] = {}
    for index, (name, history) in enumerate(runs.items()):
        if not history.records:
            raise DataError(f"run {name!r} has no finished epoch to draw; train at least one")
        colour = _PALETTE[index % len(_PALETTE)]
        label = f"{name}, " if len(runs) > 1 else ""
        epochs = [record.epoch for record in history.records]
        marker = "o" if len(epochs) == 1 else None  # a line needs two points
        (line,) = loss.plot(epochs, [r.train_loss for r in history.records], "--", c=colour, marker=marker)
        legend[f"{label}train"] = line
        accuracy.plot(epochs, [r.train_top1 for r in history.records], "--", c=colour, marker=marker)
        lr.plot(epochs, [r.lr for r in history.records], c=colour, marker=marker)
        tested = [r for r in history.records if r.test_loss is not None]
        at = [r.epoch for r in tested]
        marker = "o" if len(tested) == 1 else None
        (line,) = loss.plot(at, [r.test_loss for r in tested], c=colour, marker=marker)
        if tested:
            legend[f"{label}test"] = line
        accuracy.plot(at, [r.test_top1 for r in tested], c=colour, marker=marker)
    loss.set_ylabel("loss (nats)")
    written = loss.legend(legend.values(), [str(place) for place in range(len(legend))], frameon=False)
    for text, label in zip(written.get_texts(), legend, strict=True):  # given at once, one with a leading _ is left out
        text.set(text=label, parse_math=False)
    accuracy.set_ylabel("accuracy (%)")
    lr.set_ylabel("learning rate")
    lr.set_xlabel("epoch")
    lr.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (loss, accuracy, lr):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_lr_range(found: LrRange) -> Figure:
    """The loss against the learning rate of a range test, the suggestion marked."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.semilogx(found.lrs, found.losses, c=_PALETTE[0])
    axes.axvline(found.suggested, c=_PALETTE[1], linestyle="--", label=f"suggested: {found.suggested:.2g}")
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss (nats)")
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    return figure


def draw_confusion(logits: Tensor, targets: Tensor, class_names: Sequence[str]) -> Figure:
    """How often each class (rows) is taken for each other (columns), in percent of the class.

    Args:
        logits: (N, K).
        targets: (N,) int64.
        class_names: K names; they are written where there are few enough to be read.
    """
    from matplotlib.figure import Figure

    count = len(class_names)
    cells = (targets * count + logits.argmax(1)).bincount(minlength=count**2).view(count, count)  # (K, K)
    percent = 100 * cells / cells.sum(1, keepdim=True).clamp_min(1)
    figure = Figure(figsize=(8, 7), layout="constrained")
    axes = figure.subplots()
    picture = axes.imshow(percent.numpy(), cmap="Blues", vmin=0, vmax=100)
    figure.colorbar(picture, label="% of the class")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if count <= _NAMED_CLASSES:
        axes.set_xticks(range(count), class_names, rotation=90, parse_math=False)
        axes.set_yticks(range(count), class_names, parse_math=False)
    if count <= _NUMBERED_CLASSES:
        for row in range(count):
            for column in range(count):
                value = percent[row, column].item()
                colour = "white" if value > 50 else "black"
                axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=colour, fontsize=8)
    return figure


def draw_mistakes(
    images: Tensor, logits: Tensor, targets: Tensor, class_names: Sequence[str], *, count: int = 24
) -> Figure:
    """The pictures that a model is most sure about and wrong, each with what it is and what it was taken for.

    Args:
        images: (N, C, H, W) uint8.
        logits: (N, K).
        targets: (N,) int64.
        class_names: K names.
        count: how many at most.
    """
    from matplotlib.figure import Figure

    confidence, predicted = logits.softmax(1).max(1)  # 2 x (N,)
    wrong = (predicted != targets).nonzero()[:, 0]  # (M,)
    worst = wrong[confidence[wrong].argsort(descending=True)[:count]].tolist()
    rows = max(1, -(-len(worst) // 6))
    figure = Figure(figsize=(10, 2 * rows), layout="constrained")
    places = figure.subplots(rows, 6, squeeze=False).ravel()
    for axes in places:
        axes.set_axis_off()
    for axes, index in zip(places, worst, strict=False):
        axes.imshow(images[index].permute(1, 2, 0).numpy(), cmap="gray")  # (H, W, C)
        truth, taken = class_names[int(targets[index])], class_names[int(predicted[index])]
        title = f"{truth}\nas {taken} ({100 * confidence[index].item():.0f} %)"
        axes.set_title(title, fontsize=7, parse_math=False)
    return figure


def save_figure(figure: Figure, path: Path | str) -> None:
    """Write a figure as PNG, whole or not at all; the same figure gives the same bytes."""
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=120, metadata={"Software": None})
    files.write_bytes(path, content.getvalue())
