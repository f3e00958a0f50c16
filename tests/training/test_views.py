from __future__ import annotations

import pytest
import torch
from torch import Tensor

from cifarzoo.errors import SettingError
from cifarzoo.training.views import average_over_views


def weighted(images: Tensor) -> Tensor:
    """Logits that depend on where a pixel is: linear, so that the average can be worked out."""
    places = torch.arange(float(images[0].numel())).view(images.shape[1:])
    return torch.stack([(images * places).sum((1, 2, 3)), (images * places.sqrt()).sum((1, 2, 3))], dim=1)


IMAGES = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))


def test_one_view_is_the_picture() -> None:
    torch.testing.assert_close(average_over_views(weighted, IMAGES, 1), weighted(IMAGES))


def test_two_views_are_the_picture_and_its_mirror_image() -> None:
    expected = (weighted(IMAGES) + weighted(IMAGES[..., [6, 5, 4, 3, 2, 1, 0]])) / 2
    torch.testing.assert_close(average_over_views(weighted, IMAGES, 2), expected)


def test_six_views_are_also_moved_by_a_pixel_with_the_border_mirrored_in() -> None:
    rows_up, columns_left = [1, 2, 3, 4, 3], [1, 2, 3, 4, 5, 6, 5]
    rows_down, columns_right = [1, 0, 1, 2, 3], [1, 0, 1, 2, 3, 4, 5]
    total = torch.zeros(2, 2)
    for picture, weight in (
        (IMAGES, 0.5),
        (IMAGES[:, :, rows_up][..., columns_left], 0.25),
        (IMAGES[:, :, rows_down][..., columns_right], 0.25),
    ):
        total += weight * (weighted(picture) + weighted(picture.flip(-1))) / 2
    torch.testing.assert_close(average_over_views(weighted, IMAGES, 6), total)


def test_logits_come_back_in_float32() -> None:
    for views in (1, 2, 6):
        assert average_over_views(lambda x: weighted(x).bfloat16(), IMAGES, views).dtype == torch.float32


@pytest.mark.parametrize("views", [0, 3, 12])
def test_other_numbers(views: int) -> None:
    with pytest.raises(SettingError, match=rf"views \(={views}\) must be one of: 1, 2, 6"):
        average_over_views(weighted, IMAGES, views)
