"""What an operation is: a draw for each image, and a pure verb that applies what was drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from cifarzoo.draws import Draws

Parameters = dict[str, Tensor]  # each tensor has a row an image


class Op(ABC):
    """One random operation on a batch; subclasses are frozen dataclasses whose fields are the strengths.

    The draw is apart from its application, so that the draws of somebody else can be handed in, and a batch may be
    split anywhere between the two.
    """

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
