"""Verbs on batches with explicit parameters, a value for each image; pure: the input is never written to."""

from cifarzoo.augment.functional.affine import inverse_affine_matrices, warp_affine
from cifarzoo.augment.functional.color import (
    adjust_brightness,
    adjust_contrast,
    adjust_saturation,
    grayscale,
    jitter_color,
)
from cifarzoo.augment.functional.erase import box_mask, erase, paste
from cifarzoo.augment.functional.hue import adjust_hue
from cifarzoo.augment.functional.mix import cutmix, mixup
from cifarzoo.augment.functional.normalize import normalize
from cifarzoo.augment.functional.policy import OPERATIONS, apply_operations
from cifarzoo.augment.functional.resize import resize, resized_crop
from cifarzoo.augment.functional.shift import crop, flip_horizontal, translate
from cifarzoo.augment.functional.tone import (
    adjust_sharpness,
    autocontrast,
    equalize,
    invert,
    posterize,
    solarize,
)

__all__ = [
    "OPERATIONS",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "adjust_sharpness",
    "apply_operations",
    "autocontrast",
    "box_mask",
    "crop",
    "cutmix",
    "equalize",
    "erase",
    "flip_horizontal",
    "grayscale",
    "inverse_affine_matrices",
    "invert",
    "jitter_color",
    "mixup",
    "normalize",
    "paste",
    "posterize",
    "resize",
    "resized_crop",
    "solarize",
    "translate",
    "warp_affine",
]
