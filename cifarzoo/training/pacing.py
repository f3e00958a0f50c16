"""What changes over a run beside the learning rate: the size of the pictures, and which layers still learn."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import torch.nn.functional as F
from torch import Tensor, nn

from cifarzoo.errors import RecipeError
from cifarzoo.recipes import Recipe


def size_at(recipe: Recipe, fraction: float) -> int | None:
    """Side of the pictures in px at a fraction of the run, in [0, 1); None for their own."""
    return next((side for until, side in recipe.sizes if fraction < until), None)


def resized(images: Tensor, side_px: int | None) -> Tensor:
    """(B, C, H, W) float with the shorter side at ``side_px``, antialiased; unchanged for None or an equal side."""
    height, width = images.shape[-2:]
    shorter = min(height, width)
    if side_px is None or side_px == shorter:
        return images
    sides = (round(height * side_px / shorter), round(width * side_px / shorter))
    return F.interpolate(images, sides, mode="bilinear", antialias=True)  # (B, C, h, w)


def frozen_at(recipe: Recipe, fraction: float) -> tuple[str, ...]:
    """Starts of the names of the parameters that no longer learn at a fraction of the run."""
    return tuple(prefix for prefix, start in recipe.freeze if fraction >= start)


class Freezer:
    """Lets the layers of a recipe stop learning; what comes before the first that still learns has no backward pass.

    Norms in them go on with their running statistics. Use as a context: everything learns again after it.

    Raises:
        RecipeError: the recipe names a layer that the model has not, or would leave nothing to learn.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self._recipe = recipe
        self._learning = {name: value for name, value in model.named_parameters() if value.requires_grad}
        self._frozen: tuple[str, ...] = ()
        for prefix, _ in recipe.freeze:
            if not any(name.startswith(prefix) for name in self._learning):
                raise RecipeError(f"freeze names {prefix!r}, with which no trainable parameter of the model begins")
        prefixes = tuple(prefix for prefix, _ in recipe.freeze)
        if prefixes and all(name.startswith(prefixes) for name in self._learning):
            raise RecipeError(f"freeze (={recipe.freeze!r}) would leave no parameter to learn; name fewer layers")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let everything learn again, as it was before the run."""
        self._freeze(())

    def apply(self, fraction: float) -> None:
        """Freeze what is to be frozen at a fraction of the run."""
        self._freeze(frozen_at(self._recipe, fraction))

    def _freeze(self, prefixes: tuple[str, ...]) -> None:
        if prefixes == self._frozen:
            return
        for name, parameter in self._learning.items():
            parameter.requires_grad_(not name.startswith(prefixes))
        self._frozen = prefixes
