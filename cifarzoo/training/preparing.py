"""What some models compute from the training pictures before the first step."""

from __future__ import annotations

import torch
from torch import nn

from cifarzoo.data.loader import ImageSet
from cifarzoo.layers.normalize import Normalize
from cifarzoo.training.evaluation import as_model_expects

_IMAGES = 5_000


def initialize_from_data(model: nn.Module, dataset: ImageSet) -> None:
    """Let a model that has ``initialize_from`` see 5,000 training pictures, normalised as it expects.

    They are spread evenly over the set, for many sets are in the order of their classes.

    Args:
        model: on its device; any other is left as it is.
        dataset: the training set.
    """
    initialize = getattr(model, "initialize_from", None)
    if not callable(initialize):
        return
    expected = as_model_expects(model, dataset)
    device = next(model.parameters()).device
    count = min(_IMAGES, len(expected.images))
    places = torch.arange(count) * len(expected.images) // count
    images = expected.images[places].to(device).float().div_(255)  # (5000, C, H, W)
    initialize(Normalize(expected.mean, expected.std).to(device)(images))
