"""Averages of weights over steps: exponential, lookahead, or the plain mean of the last part of a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from cifarzoo.errors import RecipeError
from cifarzoo.recipes import Recipe


class Average:
    """A running average of a model's parameters and of its norms' statistics.

    ``ema`` keeps an exponential average beside the weights (Polyak and Juditsky, 1992; Tarvainen and Valpola, 2017).
    ``lookahead`` sets the weights back to such an average at each update (Zhang et al., "Lookahead optimizer", 2019),
    and leans on it ever more as the run ends (Jordan, "94 % on CIFAR-10 in 3.29 seconds", 2024). ``tail`` is the plain
    mean from ``average_start`` on (Izmailov et al., 2018). Each is a function of the steps: its state is the average.

    Args:
        model: the raw module, on its device.
        recipe: its ``average*`` fields.
        total_steps: of the whole run.

    Raises:
        RecipeError: the run is too short for a single update.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, total_steps: int) -> None:
        self._kind, self._every, self._decay = recipe.average, recipe.average_every, recipe.average_decay
        self._start, self._total = round(recipe.average_start * total_steps), total_steps
        if self._kind != "none" and total_steps - self._start < self._every:
            raise RecipeError(
                f"average_every (={self._every}) exceeds the {total_steps - self._start} steps after average_start; "
                "lower either, or raise epochs"
            )
        self._live = [] if self._kind == "none" else _averaged_tensors(model)
        self.shadow = [tensor.detach().clone() for tensor in self._live]
        """The averages, in the order of the model's parameters and buffers."""

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take the weights after ``step`` steps (1 is the first) into the average, if it is due."""
        since = step - self._start
        if not self._live or since <= 0 or since % self._every:
            return
        weight = self._weight(since // self._every, step)
        for average, tensor in zip(self.shadow, self._live, strict=True):
            average.lerp_(tensor, weight)
            if self._kind == "lookahead":
                tensor.copy_(average)

    def _weight(self, update: int, step: int) -> float:
        """What the ``update``-th weights (from 1) count in the average after it."""
        decay = self._decay**self._every
        if self._kind == "tail":
            return 1.0 / update
        if self._kind == "lookahead":
            return float(1.0 - decay * (step / self._total) ** 3)
        return 1.0 if update == 1 and self._start else 1.0 - decay

    @contextlib.contextmanager
    def applied(self, step: int) -> Iterator[None]:
        """Within, the model holds the average, if there is one after ``step`` steps."""
        # Lookahead's weights were set to the average at its last update, and have only gone on from there.
        swaps = self._kind in ("ema", "tail") and step - self._start >= self._every
        if swaps:
            self._swap()
        try:
            yield
        finally:
            if swaps:
                self._swap()

    @torch.no_grad()
    def finish(self, step: int) -> None:
        """Leave the model with the average for good."""
        if self._live and step - self._start >= self._every:
            for average, tensor in zip(self.shadow, self._live, strict=True):
                tensor.copy_(average)

    @torch.no_grad()
    def _swap(self) -> None:
        for average, tensor in zip(self.shadow, self._live, strict=True):
            kept = tensor.clone()
            tensor.copy_(average)
            average.copy_(kept)


def _averaged_tensors(model: nn.Module) -> list[Tensor]:
    """Every parameter and floating-point buffer that is saved, each once."""
    saved = model.state_dict().keys()
    named = [*model.named_parameters(), *model.named_buffers()]
    return [tensor for name, tensor in named if name in saved and tensor.is_floating_point()]
