from __future__ import annotations

from pathlib import Path

import pytest
import torch
from PIL import Image

from cifarzoo.errors import DataError
from cifarzoo.training.history import EpochRecord, History
from cifarzoo.training.lr_finder import LrRange
from cifarzoo.training.plots import draw_confusion, draw_curves, draw_lr_range, draw_mistakes, save_figure


def history(epochs: int, *, tested: bool = True) -> History:
    return History(
        records=[
            EpochRecord(
                epoch=epoch,
                step=epoch,
                lr=1 / epoch,
                train_loss=2 / epoch,
                train_top1=10.0 * epoch,
                test_loss=3 / epoch if tested else None,
                test_top1=9.0 * epoch if tested else None,
                seconds=1,
                images_per_s=1,
            )
            for epoch in range(1, epochs + 1)
        ]
    )


def test_curves_hold_the_numbers_of_the_history() -> None:
    loss, accuracy, lr = draw_curves({"run": history(3)}).axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[2, 1, 2 / 3], [3, 1.5, 1]]
    assert [list(line.get_ydata()) for line in accuracy.lines] == [[10, 20, 30], [9, 18, 27]]
    assert [list(line.get_ydata()) for line in lr.lines] == [[1, 1 / 2, 1 / 3]]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["train", "test"]


def test_several_runs_are_told_apart() -> None:
    loss = draw_curves({"first": history(2), "second": history(4, tested=False)}).axes[0]
    labels = [text.get_text() for text in loss.get_legend().get_texts()]
    assert labels == ["first, train", "first, test", "second, train"]
    assert loss.lines[0].get_color() != loss.lines[2].get_color()


def test_names_are_written_as_they_are(tmp_path: Path) -> None:
    """A $ is a dollar, not mathematics, and a leading _ hides nothing."""
    names = ["_under", "a$b_{$", r"$\none$"]
    curves = draw_curves({name: history(2) for name in names})
    labels = [text.get_text() for text in curves.axes[0].get_legend().get_texts()]
    assert labels == [f"{name}, {part}" for name in names for part in ("train", "test")]
    logits, targets = torch.eye(3), torch.tensor([1, 2, 0])
    confusion = draw_confusion(logits, targets, names)
    assert [label.get_text() for label in confusion.axes[0].get_xticklabels()] == names
    mistakes = draw_mistakes(torch.zeros(3, 3, 8, 8, dtype=torch.uint8), logits, targets, names)
    assert mistakes.axes[0].get_title().startswith("a$b_{$\nas _under")
    for figure in (curves, confusion, mistakes):
        save_figure(figure, tmp_path / "figure.png")


@pytest.mark.parametrize("epochs", [1, 5])
def test_the_picture_is_the_same_each_time(epochs: int, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save_figure(draw_curves({"run": history(epochs)}), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (840, 840)
        assert len(image.convert("L").getcolors()) > 10  # something is drawn


def test_a_range_test_shows_its_suggestion() -> None:
    (axes,) = draw_lr_range(LrRange(lrs=(0.1, 1.0), losses=(2.0, 1.0), suggested=0.1)).axes
    assert list(axes.lines[0].get_ydata()) == [2.0, 1.0]
    assert list(axes.lines[1].get_xdata()) == [0.1, 0.1]
    assert axes.get_legend().get_texts()[0].get_text() == "suggested: 0.1"


def test_confusion_is_in_percent_of_the_true_class(tmp_path: Path) -> None:
    targets = torch.tensor([0, 0, 0, 0, 2])
    logits = torch.nn.functional.one_hot(torch.tensor([0, 0, 0, 1, 1]), 3).float()
    figure = draw_confusion(logits, targets, ["ant", "bee", "cat"])
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == [[75, 25, 0], [0, 0, 0], [0, 100, 0]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ant", "bee", "cat"]
    assert {text.get_text() for text in axes.texts} == {"75", "25", "0", "100"}
    save_figure(figure, tmp_path / "confusion.png")
    many = draw_confusion(torch.eye(150), torch.arange(150), [str(index) for index in range(150)]).axes[0]
    assert not many.texts


@pytest.mark.parametrize("channels", [1, 3])
def test_the_surest_mistakes_come_first(channels: int, tmp_path: Path) -> None:
    images = torch.arange(4, dtype=torch.uint8).view(4, 1, 1, 1).expand(4, channels, 8, 8)
    logits = torch.tensor([[9.0, 0.0], [0.0, 2.0], [0.0, 5.0], [0.0, 9.0]])
    figure = draw_mistakes(images, logits, torch.tensor([0, 0, 0, 1]), ["ant", "bee"])
    shown = [axes for axes in figure.axes if axes.images]
    assert [int(axes.images[0].get_array().max()) for axes in shown] == [2, 1]
    assert shown[0].get_title() == "ant\nas bee (99 %)"
    save_figure(figure, tmp_path / "mistakes.png")
    assert (
        len(
            [
                axes
                for axes in draw_mistakes(images, logits, torch.tensor([1, 0, 0, 0]), ["a", "b"], count=3).axes
                if axes.images
            ]
        )
        == 3
    )
    assert not any(axes.images for axes in draw_mistakes(images, logits, logits.argmax(1), ["a", "b"]).axes)


def test_a_run_without_an_epoch() -> None:
    with pytest.raises(DataError, match="'empty'"):
        draw_curves({"empty": History()})
