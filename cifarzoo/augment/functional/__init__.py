"""Verbs on batches with explicit parameters, a value for each image; pure: the input is never written to."""

from cifarzoo.augment.functional.color import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    jitter_color,
)
from cifarzoo.augment.functional.shift import crop, flip_horizontal

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "crop",
    "flip_horizontal",
    "jitter_color",
]
