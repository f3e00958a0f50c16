"""What an operation is: a draw for each image, and a pure verb that applies what was drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from cifarzoo.draws import Draws

Parameters = dict[str, Tensor]  # each tensor has a row an image


class Op(ABC):
    """One random operation on a batch; subclasses are frozen dataclasses whose fields are the strengths.

    The draw is apart from its application, so that the draws of somebody else can be handed in, and a batch may be
    split anywhere between the two.
    """

    resizes: ClassVar[bool] = False  # whether images may come out in another size

    @abstractmethod
    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """Parameters for each image.

        Args:
            draws: the random numbers, one row an image.
            images: (B, C, H, W), of which only the shape and the device matter.
        """

    @abstractmethod
    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """New images of the same dtype; ``images`` (B, C, H, W) are left as they are."""


class MixOp(ABC):
    """An operation that mixes images with their partners in the batch, and their targets likewise."""

    @abstractmethod
    def draw(self, draws: Draws, images: Tensor) -> Parameters:
        """Parameters for each image, its partner among them; arguments as in ``Op.draw``."""

    @abstractmethod
    def apply(self, images: Tensor, targets: Tensor, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """New images (B, C, H, W) float and targets (B, K) float; the arguments are left as they are."""
