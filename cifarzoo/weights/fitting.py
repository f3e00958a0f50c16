"""Weights into a model that is not quite the one they were trained in."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from cifarzoo.errors import IntegrityError


class AdaptedWarning(UserWarning):
    """A part of a pretrained model is new, or was changed to fit what was asked for."""


def load_strictly(model: nn.Module, state: Mapping[str, Tensor], *, source: str) -> None:
    """Load a state dict; its numbers become those of the model's dtypes.

    Raises:
        IntegrityError: keys that are missing, unexpected or of another shape, each sorted.
    """
    wanted = model.state_dict()
    missing, extra = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    shapes = sorted(key for key in wanted.keys() & state.keys() if wanted[key].shape != state[key].shape)
    if missing or extra or shapes:
        raise IntegrityError(
            f"{source} does not fit the model: missing {missing}, unexpected {extra}, of another shape {shapes}"
        )
    model.load_state_dict(dict(state))


def with_channels(state: Mapping[str, Tensor], model: nn.Module, *, trained: int, wanted: int) -> dict[str, Tensor]:
    """The weights with the filters of the stem made for another number of input channels, as timm does it.

    One channel gets the sum over all; more get them over again and again, scaled so that an input that is the same in
    all channels still gives the same maps (Wightman, timm, 2019).

    Args:
        state: of the trained model.
        model: for ``wanted`` channels; what differs from it in nothing but the input channels is adapted.
        trained: input channels of ``state``.
        wanted: input channels of ``model``.
    """
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    fitted = dict(state)
    for name, filters in state.items():
        if filters.ndim == 4 and filters.shape[1] == trained and shapes.get(name) == _swapped(filters.shape, wanted):
            fitted[name] = _spread(filters.float(), wanted)  # (out_channels, wanted, h, w)
    return fitted


def _swapped(shape: torch.Size, channels: int) -> torch.Size:
    """A filter's shape with other input channels."""
    return torch.Size((shape[0], channels, *shape[2:]))


def _spread(filters: Tensor, channels: int) -> Tensor:
    """(O, C, h, w) to (O, channels, h, w)."""
    trained = filters.shape[1]
    if channels == 1:
        return filters.sum(1, keepdim=True)
    order = torch.arange(channels) % trained
    return filters[:, order] * (trained / channels)
