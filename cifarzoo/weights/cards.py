"""What is known of a set of trained weights: the JSON that lies beside the safetensors file."""

from __future__ import annotations

import builtins  # Card.bytes hides the name within the class
import json
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from cifarzoo.errors import IntegrityError


@dataclass(frozen=True, kw_only=True)
class Card:
    """A weight file's description; what was not measured is None.

    ``mean`` and ``std`` are of pixel / 255, RGB; ``top1`` and ``top5`` are percent, ``ece`` is in [0, 1], all of the
    stored file in fp32; ``dtype_loss`` is what storing in ``dtype`` costs, in points of top-1; ``bytes`` and
    ``sha256`` are those of the weight file, ``begun_from`` is the hash of the weights that training began with; the
    weights are those of ``selected_epoch``, the best on images held out, or of the last; ``pflop`` counts 10^15
    floating point operations of training, ``precision`` is that of its arithmetic; ``seeds`` has the results of other
    seeds beside this one, as trained, before rounding to ``dtype``; ``urls`` and ``hub_id`` say where the file is to
    be had.
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
    views: int | None = None
    ece: float | None = None
    dtype_loss: float | None = None
    per_class: dict[str, float] | None = None
    recipe: dict[str, Any] | None = None
    command: str | None = None
    seed: int | None = None
    seeds: dict[str, Any] | None = None
    epochs: float | None = None
    selected_epoch: int | None = None
    holdout_top1: float | None = None
    begun_from: str | None = None
    train_loss: float | None = None
    train_images: int | None = None
    hardware: str | None = None
    threads: int | None = None
    precision: str | None = None
    torch: str | None = None
    seconds: float | None = None
    pflop: float | None = None
    license: str | None = None
    data_license: str | None = None
    near_duplicates: str | None = None
    intended_use: str | None = None
    limits: str | None = None
    urls: list[str] | None = None
    hub_id: str | None = None
    created: str | None = None

    def to_json(self) -> str:
        """The card as indented JSON, keys in the order above."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    def with_new_head(self, num_classes: int) -> Card:
        """What is still true of a model whose last layer is not the trained one."""
        return replace(self._untrained(), num_classes=num_classes)

    def with_channels(self, in_channels: int) -> Card:
        """What is still true of a model whose stem was fitted to other channels."""
        mean, std = (_spread(numbers, in_channels) for numbers in (self.mean, self.std))
        kept = replace(self._untrained(), classes=self.classes, label_order=self.label_order)
        return replace(kept, in_channels=in_channels, mean=mean, std=std)

    def _untrained(self) -> Card:
        """What was not learned: the model and its input."""
        names = ("arch", "settings", "num_classes", "in_channels", "input_size", "mean", "std")
        return Card(**{name: getattr(self, name) for name in names}, begun_from=self.sha256 or self.begun_from)

    @classmethod
    def from_json(cls, text: str | builtins.bytes, *, source: str) -> Card:
        """Read a card.

        Args:
            text: JSON.
            source: what to call it in an error.

        Raises:
            IntegrityError: not JSON, or keys or values that a card does not have.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise IntegrityError(f"{source} is not JSON ({error}); fetch or write it again") from None
        fault = cls._fault(values)
        if fault:
            raise IntegrityError(f"{source} is not a card ({fault}); fetch or write it again")
        return cls(**values)

    @classmethod
    def _fault(cls, values: Any) -> str | None:
        """What keeps parsed JSON from being a card."""
        if not isinstance(values, dict):
            return f"it holds a {type(values).__name__}"
        hints = get_type_hints(cls)
        extra, missing = sorted(values.keys() - hints.keys()), sorted({"arch", "num_classes"} - values.keys())
        if extra or missing:
            return f"unknown keys {reprlib.repr(extra)}" if extra else f"it lacks {missing}"
        wrong = [name for name, value in values.items() if not _fits(value, hints[name])]
        wrong = wrong or _out_of_range(values)
        return f"{wrong[0]} is {reprlib.repr(values[wrong[0]])}" if wrong else None


def _out_of_range(values: Mapping[str, Any]) -> list[str]:
    """The keys whose values, of the right types, cannot be those of a model."""
    channels, classes = values.get("in_channels", 3), values["num_classes"]
    legal: dict[str, Callable[[Any], bool]] = {
        "num_classes": lambda count: count >= 0,
        "in_channels": lambda count: count >= 1,
        "input_size": lambda side: side >= 1,
        "classes": lambda names: len(names) == classes,
        "mean": lambda mean: len(mean) == channels,
        "std": lambda std: len(std) == channels and min(std) > 0,
    }
    return [name for name, holds in legal.items() if values.get(name) is not None and not holds(values[name])]


def _spread(numbers: list[float] | None, channels: int) -> list[float] | None:
    """Mean or std for other channels: the average for one, or over again."""
    if numbers is None:
        return None
    if channels == 1:
        return [sum(numbers) / len(numbers)]
    return [numbers[channel % len(numbers)] for channel in range(channels)]


def _fits(value: Any, hint: Any) -> bool:
    """Whether a JSON value is of the type that a field's annotation asks for; a whole number may stand for a float."""
    if hint is Any:
        return True
    parts = get_args(hint)
    if get_origin(hint) is UnionType:
        return any(_fits(value, part) for part in parts)
    if get_origin(hint) is list:
        return isinstance(value, list) and all(_fits(item, parts[0]) for item in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict) and all(_fits(item, parts[1]) for item in value.values())
    if isinstance(value, bool):  # which Python counts among the whole numbers
        return False
    return isinstance(value, (int, float) if hint is float else hint)
