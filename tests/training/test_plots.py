from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from cifarzoo.errors import DataError
from cifarzoo.training.history import EpochRecord, History
from cifarzoo.training.plots import draw_curves, save_figure


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


@pytest.mark.parametrize("epochs", [1, 5])
def test_the_picture_is_the_same_each_time(epochs: int, tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        save_figure(draw_curves({"run": history(epochs)}), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (840, 840)
        assert len(image.convert("L").getcolors()) > 10  # something is drawn


def test_a_run_without_an_epoch() -> None:
    with pytest.raises(DataError, match="'empty'"):
        draw_curves({"empty": History()})
