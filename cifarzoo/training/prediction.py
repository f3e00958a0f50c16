"""What a model sees in pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cifarzoo.errors import SettingError
from cifarzoo.layers.normalize import normalizes
from cifarzoo.training.modes import evaluating
from cifarzoo.weights import Transform

if TYPE_CHECKING:
    from cifarzoo.weights.transform import Pictures

_AT_A_TIME = 500  # pictures in one forward pass


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The likeliest classes of one picture, the best first; probabilities in [0, 1]."""

    classes: tuple[str, ...]
    indices: tuple[int, ...]
    probabilities: tuple[float, ...]


def predict(model: nn.Module, images: Pictures, top: int = 5) -> list[Prediction]:
    """Classify pictures.

    Args:
        model: a trained model, as ``cifarzoo.load`` gives it: its card holds mean, std, size and class names.
        images: whatever ``weights.Transform`` takes: uint8 tensors and arrays, PIL images or a list, of any size. The
            middle square is taken and resized to the size the model was trained on.
        top: how many classes to name; at most all of them.

    Returns:
        A prediction for each picture.

    Raises:
        SettingError: images of another type or shape, or a model without classes, mean and std.
    """
    if top < 1:
        raise SettingError(f"top (={top!r}) must be at least 1")
    if getattr(model, "num_classes", None) == 0:
        raise SettingError("the model has num_classes=0 and gives features only; reset_classifier(N), then train it")
    card = getattr(model, "card", None)
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    batch = _prepare(model, images).to(device, memory_format=torch.channels_last)  # (B, C, H, W)
    with evaluating(model), torch.inference_mode():
        parts = torch.split(batch, _AT_A_TIME)
        probabilities = torch.cat([model(part).float().softmax(1) for part in parts])  # (B, K)
    values, indices = probabilities.topk(min(top, probabilities.shape[1]), dim=1)  # 2 x (B, top)
    names = card.classes if card is not None and card.classes else [str(i) for i in range(probabilities.shape[1])]
    return [
        Prediction(classes=tuple(names[index] for index in row), indices=tuple(row), probabilities=tuple(shares))
        for row, shares in zip(indices.tolist(), values.tolist(), strict=True)
    ]


def _prepare(model: nn.Module, images: Pictures) -> Tensor:
    """Pictures as what the model takes: (B, C, H, W) float, of the card's size and under its mean and std."""
    card = getattr(model, "card", None)
    if card is None or card.mean is None or card.std is None:
        raise SettingError("the model has no card with mean and std; load it with cifarzoo.load(), or train it first")
    transform = Transform.of(card, size_px=getattr(model, "default_input_size", 32))
    return transform.resize(images) if normalizes(model) else transform(images)
