"""What a model sees in pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cifarzoo.errors import SettingError


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The likeliest classes of one picture, the best first; probabilities in [0, 1]."""

    classes: tuple[str, ...]
    indices: tuple[int, ...]
    probabilities: tuple[float, ...]


def predict(model: nn.Module, images: Tensor, top: int = 5) -> list[Prediction]:
    """Classify pictures.

    Args:
        model: a trained model, as ``cifarzoo.load`` gives it: its card holds mean, std, size and class names.
        images: (B, C, H, W) or (C, H, W) uint8 of any size; they are resized to the size the model was trained on.
        top: how many classes to name; at most all of them.

    Returns:
        A prediction for each picture.

    Raises:
        SettingError: images of another type or shape, or a model without mean and std.
    """
    if images.dtype != torch.uint8 or images.ndim not in (3, 4):
        raise SettingError(
            f"images (shape {tuple(images.shape)}, {images.dtype}) must be (B, C, H, W) or (C, H, W) uint8; "
            "give pixels of 0 ... 255, not normalised ones"
        )
    if top < 1:
        raise SettingError(f"top (={top!r}) must be at least 1")
    card = getattr(model, "card", None)
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    batch = _prepare(model, images if images.ndim == 4 else images[None], device)  # (B, C, H, W)
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            probabilities = model(batch).float().softmax(1)  # (B, K)
    finally:
        model.train(training)
    values, indices = probabilities.topk(min(top, probabilities.shape[1]), dim=1)  # 2 x (B, top)
    names = card.classes if card is not None and card.classes else [str(i) for i in range(probabilities.shape[1])]
    return [
        Prediction(classes=tuple(names[index] for index in row), indices=tuple(row), probabilities=tuple(shares))
        for row, shares in zip(indices.tolist(), values.tolist(), strict=True)
    ]


def _prepare(model: nn.Module, images: Tensor, device: torch.device) -> Tensor:
    """(B, C, H, W) uint8 to what the model takes: float, of the card's size and under its mean and std."""
    card = getattr(model, "card", None)
    pixels = images.to(device, torch.float32) / 255
    size = card.input_size if card is not None else None
    if size is not None and images.shape[-2:] != (size, size):
        pixels = F.interpolate(pixels, (size, size), mode="bilinear", antialias=True)  # (B, C, size, size)
    if not isinstance(getattr(model, "normalize", nn.Identity()), nn.Identity):
        return pixels
    if card is None or card.mean is None or card.std is None:
        raise SettingError("the model has no card with mean and std; load it with cifarzoo.load(), or train it first")
    mean, std = (torch.tensor(values, device=device).view(1, -1, 1, 1) for values in (card.mean, card.std))
    return (pixels - mean) / std
