"""Averages of weights over steps: exponential, lookahead, or the plain mean of the last part of a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

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
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self._recipe = recipe
        self._live = [] if recipe.average == "none" else _averaged_tensors(model)
        self.shadow = [tensor.detach().clone() for tensor in self._live]
        """The averages, in the order of the model's parameters and buffers."""
        self.updates = 0
        """How often weights were taken in."""

    @torch.no_grad()
    def begin(self) -> None:
        """Begin with the weights of now: those that the model was given after this was made."""
        for average, tensor in zip(self.shadow, self._live, strict=True):
            average.copy_(tensor)

    @torch.no_grad()
    def update(self, step: int, done: float) -> None:
        """Take the weights into the average, if it is due.

        Args:
            step: how many steps have been made.
            done: which share of the run that is, in (0, 1].
        """
        if not self._live or step % self._recipe.average_every or done <= self._recipe.average_start:
            return
        self.updates += 1
        weight = self._weight(done)
        for average, tensor in zip(self.shadow, self._live, strict=True):
            average.lerp_(tensor, weight)
            if self._recipe.average == "lookahead":
                tensor.copy_(average)

    def _weight(self, done: float) -> float:
        """What the weights that are taken in count in the average."""
        if self._recipe.average == "tail":
            return 1.0 / self.updates
        if self.updates == 1 and self._recipe.average_start:
            return 1.0  # what was before the start does not count
        decay = self._recipe.average_decay**self._recipe.average_every
        return float(1.0 - decay * done**3) if self._recipe.average == "lookahead" else 1.0 - decay

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the model holds the average, if there is one yet."""
        # Lookahead's weights were set to the average at its last update, and have only gone on from there.
        swaps = self.updates and self._recipe.average != "lookahead"
        if swaps:
            self._swap()
        try:
            yield
        finally:
            if swaps:
                self._swap()

    @torch.no_grad()
    def finish(self) -> None:
        """Leave the model with the average for good."""
        if self.updates:
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
