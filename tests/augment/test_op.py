"""What a user's own operation has to bring."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from cifarzoo import augment
from cifarzoo.augment.op import Parameters
from cifarzoo.draws import Draws


@dataclass(frozen=True, kw_only=True)
class RandomOffset(augment.Op):
    """Add a random number to all values of an image."""

    most: int

    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        return {"offset": draws.integers("offset", 0, self.most + 1)[:, 0]}

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        return images + parameters["offset"].to(images.dtype)[:, None, None, None]


def test_an_own_operation_runs_in_a_pipeline() -> None:
    pipeline = augment.Pipeline((augment.RandomFlip(), RandomOffset(most=9)))
    images = torch.zeros(600, 3, 32, 32, dtype=torch.uint8)
    changed = pipeline(images, draws=Draws(1, 0, torch.arange(600)))
    assert changed.amax((1, 2, 3)).unique().tolist() == list(range(10))
    assert "RandomOffset(most=9)" in repr(pipeline)


@pytest.mark.parametrize("kind", [augment.Op, augment.MixOp])
def test_a_draw_and_an_application_are_needed(kind: type) -> None:
    with pytest.raises(TypeError, match="abstract"):
        kind()
