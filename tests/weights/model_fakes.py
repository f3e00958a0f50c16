"""A model small enough to build in every test, and what is asked of any."""

import random

import numpy as np
import torch
from torch import nn

from cifarzoo.models import Classifier

FACTS = {"summary": "a test's", "input_size": 16, "num_classes": 10, "params": 1, "macs": 1, "min_size": 2}


class Tiny(Classifier):
    def __init__(self, *, num_classes, in_channels=3, widths=(4, 8)):
        stages = [nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(widths[0], widths[1], 1))]
        super().__init__(
            stem=nn.Conv2d(in_channels, widths[0], 3, padding=1),
            stages=stages,
            widths=widths[1:],
            reductions=[2],
            num_classes=num_classes,
            in_channels=in_channels,
        )


def same_weights(model, other):
    ours, others = model.state_dict(), other.state_dict()
    return ours.keys() == others.keys() and all(torch.equal(ours[key], others[key]) for key in ours)


def random_states():
    return [torch.get_rng_state().tolist(), random.getstate(), repr(np.random.get_state())]
