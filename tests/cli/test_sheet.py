"""Contact sheets."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.cli.sheet import draw_rows, draw_sheet


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 12), st.integers(1, 8), st.integers(0, 99))
def test_rows_are_of_one_class_each(labels: list[int], rows: int, columns: int, seed: int) -> None:
    targets = torch.tensor(labels)
    chosen, classes = draw_rows(targets, rows=rows, columns=columns, seed=seed)
    assert tuple(chosen.shape) == (min(rows, len(set(labels))), columns)
    assert classes == sorted(set(classes))
    for row, label in zip(chosen, classes, strict=True):
        assert set(targets[row].tolist()) == {label}
        assert len(set(row.tolist())) == min(columns, labels.count(label))
    assert torch.equal(chosen, draw_rows(targets, rows=rows, columns=columns, seed=seed)[0])


def test_images_lie_in_their_places() -> None:
    images = torch.randint(0, 256, (6, 1, 64, 64), dtype=torch.uint8)
    sheet = draw_sheet(images, columns=3)
    assert sheet.shape == (3, 2 * 66, 3 * 66)
    for number in range(6):
        row, column = divmod(number, 3)
        tile = sheet[:, row * 66 + 2 : (row + 1) * 66, column * 66 + 2 : (column + 1) * 66]
        assert torch.equal(tile, images[number].expand(3, -1, -1))
    assert (sheet[:, :2] == 255).all()
