"""How a run goes: how long it is, its learning rate, the size of its pictures, and which layers still learn."""

from __future__ import annotations

import math
from types import TracebackType
from typing import Self

from torch import Tensor, nn

from cifarzoo.draws import Draws
from cifarzoo.errors import RecipeError
from cifarzoo.recipes import Recipe
from cifarzoo.training.schedules import lr_fraction
from cifarzoo.training.shrinking import resized, windows
from cifarzoo.training.state import RunState


class Course:
    """The length of a run, and what its recipe wants at each place in it.

    Args:
        recipe: with ``epochs``, ``steps`` or ``seconds``.
        steps_per_epoch: of the training set.

    Raises:
        RecipeError: the run is too short for the average or the warm-up that the recipe wants.
    """

    def __init__(self, recipe: Recipe, steps_per_epoch: int) -> None:
        self._recipe, self.steps_per_epoch = recipe, steps_per_epoch
        self.total = recipe.steps or max(1, round(recipe.epochs * steps_per_epoch))
        """Steps of the whole run; with ``seconds``, those that its schedules are laid out over."""
        self._warmup = round(recipe.warmup_epochs * steps_per_epoch)
        if self._warmup >= self.total > 1:
            raise RecipeError(
                f"warmup_epochs (={recipe.warmup_epochs:g}) are {self._warmup} steps of {self.total}; lower it"
            )
        last_update = self.total - self.total % recipe.average_every
        if recipe.average != "none" and last_update <= recipe.average_start * self.total:
            raise RecipeError(
                f"average_every (={recipe.average_every}) leaves no update of the average in the {self.total} steps of "
                "the run; lower it or average_start, or raise epochs"
            )

    @property
    def epochs(self) -> int | None:
        """How many epochs are begun; None where the clock decides."""
        return None if self._recipe.seconds else math.ceil(self.total / self.steps_per_epoch)

    def done(self, state: RunState) -> float:
        """How much of the run is done, in [0, 1]."""
        if self._recipe.seconds:
            return min(1.0, state.elapsed_s / self._recipe.seconds)
        return min(1.0, state.step / self.total)

    def lr(self, done: float) -> float:
        """Learning rate of the step that comes after a share ``done`` of the run."""
        step = min(done * self.total, self.total - 1)
        nearest = round(step)  # a whole step is exact, whatever the division has made of it
        fraction = lr_fraction(
            self._recipe.schedule,
            nearest if abs(step - nearest) < 1e-6 else step,
            total=self.total,
            warmup=self._warmup,
            final_frac=self._recipe.final_lr_frac,
        )
        return self._recipe.lr * fraction

    def size_px(self, done: float) -> int | None:
        """Side of the pictures; None for their own."""
        return next((side for until, side in self._recipe.sizes if done < until), None)

    def shrink(self, images: Tensor, done: float, draws: Draws) -> Tensor:
        """(B, C, H, W) float, at the size that is due and in the recipe's way: (B, C, h, w)."""
        side_px = self.size_px(done)
        return windows(images, side_px, draws) if self._recipe.shrink == "window" else resized(images, side_px)


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
        self._freeze(tuple(prefix for prefix, start in self._recipe.freeze if fraction >= start))

    def _freeze(self, prefixes: tuple[str, ...]) -> None:
        if prefixes == self._frozen:
            return
        for name, parameter in self._learning.items():
            parameter.requires_grad_(not name.startswith(prefixes))
        self._frozen = prefixes
