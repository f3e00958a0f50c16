"""Rotation, translation, scale and shear, equal in every value to torchvision's affine on each image alone."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from cifarzoo.augment.functional.layout import laid_out_like
from cifarzoo.augment.functional.lines import as_float, to_uint8


def inverse_affine_matrices(
    angle_deg: Tensor, translate_px: Tensor, scale: Tensor, shear_deg: Tensor, center_px: Tensor | None = None
) -> Tensor:
    """Where each pixel of the result comes from.

    Args:
        angle_deg: (B,) float64, clockwise.
        translate_px: (B, 2) float64, right and down.
        scale: (B,) float64, above 0.
        shear_deg: (B, 2) float64, along x and along y.
        center_px: (B, 2) float64, the fixed point, x and y from the middle of the image; None is the middle.

    Returns:
        (B, 2, 3) float64: the inverse of translation x rotation x scale x shear about the centre.
    """
    rotation = torch.deg2rad(angle_deg)
    shear_x, shear_y = torch.deg2rad(shear_deg).unbind(1)
    center_x, center_y = (torch.zeros_like(translate_px) if center_px is None else center_px).unbind(1)
    moved_x, moved_y = center_x + translate_px[:, 0], center_y + translate_px[:, 1]
    a = torch.cos(rotation - shear_y) / torch.cos(shear_y)
    b = -(a * torch.tan(shear_x) + torch.sin(rotation))
    c = torch.sin(rotation - shear_y) / torch.cos(shear_y)
    d = torch.cos(rotation) - c * torch.tan(shear_x)
    # The determinant of [[a, b], [c, d]] is 1.
    xx, xy, yx, yy = d / scale, -b / scale, -c / scale, a / scale
    x = center_x - xx * moved_x - xy * moved_y
    y = center_y - yx * moved_x - yy * moved_y
    return torch.stack((xx, xy, x, yx, yy, y), dim=1).view(-1, 2, 3)


def warp_affine(
    images: Tensor, matrices: Tensor, *, interpolation: str = "nearest", fill: float | None = None
) -> Tensor:
    """Take each pixel from where a matrix says.

    Args:
        images: (B, C, H, W) uint8, or float in [0, 1].
        matrices: (B, 2, 3) float64, see ``inverse_affine_matrices``.
        interpolation: ``nearest`` or ``bilinear``.
        fill: value of what comes from outside; None is 0, without torchvision's second weighting of bilinear edges.
    """
    values = as_float(images)
    grid = _grid(matrices.to(values.dtype), height=images.shape[2], width=images.shape[3])  # (B, H, W, 2)
    if fill == 0.0 and interpolation == "nearest":
        fill = None
    if fill is not None:
        values = torch.cat([values, torch.ones_like(values[:, :1])], dim=1)  # (B, C + 1, H, W)
    values = F.grid_sample(values, grid, mode=interpolation, padding_mode="zeros", align_corners=False)
    if fill is not None:
        values, inside = values[:, :-1], values[:, -1:]  # (B, C, H, W), (B, 1, H, W)
        if interpolation == "nearest":
            values = torch.where(inside < 0.5, fill, values)
        else:
            values = values.sub(fill).mul_(inside).add_(fill)
    if not images.is_floating_point():
        moved_only = interpolation == "nearest" and fill is None  # whole numbers still
        values = to_uint8(values if moved_only else values.round_())
    return laid_out_like(values, images)


def _grid(matrices: Tensor, *, height: int, width: int) -> Tensor:
    """Sampling points (B, H, W, 2) as grid_sample counts them, in torchvision's order of rounding."""
    dtype, device = matrices.dtype, matrices.device
    points = torch.ones(height, width, 3, dtype=dtype, device=device)
    points[..., 0] = torch.linspace((1.0 - width) * 0.5, (width - 1.0) * 0.5, width, device=device)
    points[..., 1] = torch.linspace((1.0 - height) * 0.5, (height - 1.0) * 0.5, height, device=device)[:, None]
    half = torch.tensor([0.5 * width, 0.5 * height], dtype=dtype, device=device)
    columns = matrices.transpose(1, 2) / half  # (B, 3, 2)
    points = points.view(1, -1, 3).expand(len(matrices), -1, -1)  # (B, H W, 3)
    return points.bmm(columns).view(-1, height, width, 2)
