"""The fifteen operations of the AutoAugment family: another one for each image of a batch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from cifarzoo.augment.functional.affine import inverse_affine_matrices, warp_affine
from cifarzoo.augment.functional.color import adjust_brightness, adjust_contrast, adjust_saturation
from cifarzoo.augment.functional.layout import full_scale, take
from cifarzoo.augment.functional.tone import adjust_sharpness, autocontrast, equalize, invert, posterize, solarize

# Papers' names, with the signs of torchvision. A number stands for each in tensors.
OPERATIONS = (
    "Identity",
    "ShearX",
    "ShearY",
    "TranslateX",
    "TranslateY",
    "Rotate",
    "Brightness",
    "Color",
    "Contrast",
    "Sharpness",
    "Posterize",
    "Solarize",
    "AutoContrast",
    "Equalize",
    "Invert",
)
_WARPS = 5  # ShearX to Rotate: all of them are one affine warp


# What each operation after the warps does with its magnitude (B,) float64.
_VERBS: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (
    lambda images, magnitude: adjust_brightness(images, 1.0 + magnitude),
    lambda images, magnitude: adjust_saturation(images, 1.0 + magnitude),
    lambda images, magnitude: adjust_contrast(images, 1.0 + magnitude),
    lambda images, magnitude: adjust_sharpness(images, 1.0 + magnitude),
    lambda images, magnitude: posterize(images, magnitude.to(torch.int64)),
    lambda images, magnitude: solarize(images, magnitude * full_scale(images)),
    lambda images, _: autocontrast(images),
    lambda images, _: equalize(images),
    lambda images, _: invert(images),
)


def apply_operations(
    images: Tensor, which: Tensor, magnitude: Tensor, *, interpolation: str = "nearest", fill: float | None = None
) -> Tensor:
    """Apply to each image its own operation.

    The images are sorted by operation, each run of equal ones goes through its verb at once, and all are put back.

    Args:
        images: (B, C, H, W) uint8, or float in [0, 1].
        which: (B,) int64, places in ``OPERATIONS``.
        magnitude: (B,) float64: shears as a slope, translations in px (cut to whole ones), angles in degrees
            counterclockwise; brightness, colour, contrast and sharpness as factor - 1; bits to keep; the threshold of
            solarize as a part of the full scale. The others take none.
        interpolation: of the warps, ``nearest`` or ``bilinear``.
        fill: of the warps, see ``warp_affine``.
    """
    group = (which - _WARPS).clamp_min(0) + (which > 0)  # 0 identity, 1 warps, 2 brightness, ...
    order = group.argsort(stable=True)
    images, which, magnitude = take(images, order), which[order], magnitude[order]
    parts, first = [], 0
    for index, count in enumerate(torch.bincount(group, minlength=len(_VERBS) + 2).tolist()):
        rows, first = slice(first, first + count), first + count
        if count == 0:
            continue
        if index == 0:
            parts.append(images[rows])
        elif index == 1:
            matrices = _warp_matrices(which[rows], magnitude[rows], images)
            parts.append(warp_affine(images[rows], matrices, interpolation=interpolation, fill=fill))
        else:
            parts.append(_VERBS[index - 2](images[rows], magnitude[rows]))
    return take(torch.cat(parts or [images]), order.argsort())


def _warp_matrices(which: Tensor, magnitude: Tensor, images: Tensor) -> Tensor:
    """(B, 2, 3) float64 for ShearX, ShearY, TranslateX, TranslateY and Rotate (1 to 5)."""
    shear_x, shear_y, move_x, move_y, rotate = (magnitude * (which == kind) for kind in range(1, _WARPS + 1))
    corner = torch.tensor([-0.5 * images.shape[3], -0.5 * images.shape[2]], dtype=torch.float64, device=images.device)
    return inverse_affine_matrices(
        -rotate.remainder(360.0),
        torch.stack((move_x, move_y), dim=1).trunc(),
        torch.ones_like(magnitude),
        torch.rad2deg(torch.atan(torch.stack((shear_x, shear_y), dim=1))),
        corner * (which <= 2)[:, None],  # shears fix the upper left corner
    )
