"""What is known of a set of trained weights: the JSON that lies beside the safetensors file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from cifarzoo.errors import IntegrityError


@dataclass(frozen=True, kw_only=True)
class Card:
    """A weight file's description; what was not measured is None.

    ``mean`` and ``std`` are of pixel / 255, RGB; ``top1`` and ``top5`` are percent; ``bytes`` and ``sha256`` are those
    of the weight file; ``pflop`` counts 10^15 floating point operations of training.
    """

    arch: str
    settings: dict[str, Any] = field(default_factory=dict)
    tag: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    dtype: str = "float32"
    params: int | None = None
    dataset: str | None = None
    num_classes: int
    in_channels: int = 3
    classes: list[str] | None = None
    label_order: str | None = None
    input_size: int | None = None
    mean: list[float] | None = None
    std: list[float] | None = None
    top1: float | None = None
    top5: float | None = None
    top1_views: float | None = None
    ece: float | None = None
    per_class: dict[str, float] | None = None
    recipe: dict[str, Any] | None = None
    seed: int | None = None
    epochs: float | None = None
    train_images: int | None = None
    hardware: str | None = None
    threads: int | None = None
    torch: str | None = None
    seconds: float | None = None
    pflop: float | None = None
    license: str | None = None
    data_license: str | None = None
    intended_use: str | None = None
    limits: str | None = None
    created: str | None = None

    def to_json(self) -> str:
        """The card as indented JSON, keys in the order above."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, source: str) -> Card:
        """Read a card.

        Args:
            text: JSON.
            source: what to call it in an error.

        Raises:
            IntegrityError: not JSON, or keys that a card does not have or lacks.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise IntegrityError(f"{source} is not JSON ({error}); fetch or write it again") from None
        known = {item.name for item in fields(cls)}
        if not isinstance(values, dict) or not {"arch", "num_classes"} <= values.keys() <= known:
            extra = sorted(set(values) - known) if isinstance(values, dict) else values
            raise IntegrityError(f"{source} is not a card (unknown keys: {extra}); fetch or write it again")
        return cls(**values)
