"""The contract of every model, held once: a family gives its stem and its stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from cifarzoo.errors import SettingError


class Classifier(nn.Module):
    """Stem, stages, global average pool, dropout, linear classifier.

    Args:
        stem: (B, in_channels, H, W) to the first map.
        stages: each takes the map of the one before.
        widths: channels of each stage's map.
        reductions: side of the input over side of each stage's map.
        num_classes: number of logits; 0 leaves the pooled features.
        in_channels: channels of the input.
        dropout: probability of dropping a pooled feature.
        border_px: px of the input's sides that a stem without padding leaves out.

    Attributes:
        num_features: channels of the last map, width of the pooled features.
        feature_info: a ``dict(num_chs, reduction, module)`` for each stage, whose map has sides of
            (side - ``border_px``) / ``reduction``, exactly where that is whole for the last one.
        min_size: side of the smallest legal input in px.
        default_input_size: side of the input it was designed for in px.
        arch: its registered name, None if it was built without ``create``.
        settings: the family's own settings, the registered ones and those that ``create`` was given.
        card: what is known of its weights, None if nothing was trained.
        normalize: what the input passes first; nothing unless ``create`` was called with ``normalize=True``.
    """

    def __init__(
        self,
        *,
        stem: nn.Module,
        stages: Sequence[nn.Module],
        widths: Sequence[int],
        reductions: Sequence[int],
        num_classes: int,
        in_channels: int,
        dropout: float = 0.0,
        border_px: int = 0,
    ) -> None:
        super().__init__()
        if not 0.0 <= dropout < 1.0:
            raise SettingError(f"dropout (={dropout!r}) must be at least 0 and below 1")
        self.arch: str | None = None
        self.settings: dict[str, Any] = {}
        self.card: Any = None  # a weights.Card; the weights are a layer above the models
        self.in_channels = in_channels
        self.num_features = widths[-1]
        # More than one pixel in the last map, so that batch norm can train on a single image, where 32 px give that;
        # however deep, one at least.
        self.min_size = max(min(2 * reductions[-1] + border_px, 32), reductions[-1] + border_px)
        self.border_px = border_px
        self.default_input_size = 32
        self.feature_info: list[dict[str, Any]] = [
            {"num_chs": width, "reduction": reduction, "module": f"stages.{index}"}
            for index, (width, reduction, _) in enumerate(zip(widths, reductions, stages, strict=True))
        ]
        self.normalize: nn.Module = nn.Identity()
        self.stem = stem
        self.stages = nn.Sequential(*stages)
        self.pool: nn.Module = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.classifier = self._new_classifier(num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) float, normalised, to (B, num_classes) logits."""
        return self.forward_head(self.forward_features(x))

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) float, normalised, to the last map (B, num_features, H / reduction, W / reduction).

        Raises:
            SettingError: not four dimensions, other channels than the model's, or sides below ``min_size``.
        """
        if x.ndim != 4 or x.shape[1] != self.in_channels or x.shape[2] < self.min_size or x.shape[3] < self.min_size:
            raise SettingError(
                f"the input (shape {tuple(x.shape)}) must be (B, {self.in_channels}, H, W) with H and W of at least "
                f"{self.min_size}; resize the images or create the model with other in_channels"
            )
        features: Tensor = self.stages(self.stem(self.normalize(x)))
        return features

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """The last map to (B, num_classes) logits, or to (B, num_features) pooled features with ``pre_logits``."""
        features: Tensor = self.dropout(self.pool(x).flatten(1))  # (B, num_features)
        if pre_logits:
            return features
        logits: Tensor = self.classifier(features)  # (B, num_classes)
        return logits

    def initialize_from(self, images: Tensor) -> None:
        """Set what a family computes from training pictures (B, C, H, W), float, normalised, instead of learning it.

        The trainer calls it before the first step. Loaded weights are left alone.
        """

    def get_classifier(self) -> nn.Module:
        """The last layer: ``nn.Linear``, or ``nn.Identity`` without classes."""
        return self.classifier

    def reset_classifier(self, num_classes: int) -> None:
        """Put a new, untrained last layer for ``num_classes`` classes; 0 leaves the pooled features."""
        self.classifier = self._new_classifier(num_classes).to(next(self.parameters()))
        if self.card is not None:  # its classes and scores are those of the old layer
            self.card = self.card.with_new_head(num_classes)

    def _new_classifier(self, num_classes: int) -> nn.Module:
        if isinstance(num_classes, bool) or not isinstance(num_classes, int) or num_classes < 0:
            raise SettingError(f"num_classes (={num_classes!r}) must be an integer of at least 0")
        self.num_classes = num_classes
        return nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()
