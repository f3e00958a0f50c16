"""The recipe: everything that decides a training run, in one frozen record that is checked when it is made."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Self

from cifarzoo.errors import RecipeError

OPTIMIZERS = ("sgd", "adam", "adamw")
SCHEDULES = ("constant", "linear", "cosine", "onecycle")
PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a model is trained.

    Raises:
        RecipeError: a value that cannot be run; the text names it, the rule and the remedy.
    """

    name: str = "custom"
    """What it is called in tables and cards."""

    model: str | None = None
    """The model it was made for: the default of ``cifarzoo train``; any other may be trained with it."""

    data: str | None = None
    """The data set it was made for, likewise."""

    epochs: int = 10
    """Passes over the training set."""

    batch_size: int = 250
    """Images a step, over all processes together."""

    seed: int = 0
    """Decides order, augmentation and dropout; the initial weights belong to the model (``create(..., seed=)``)."""

    optimizer: str = "sgd"
    """``sgd`` (with Nesterov's momentum), ``adam`` or ``adamw``."""

    lr: float = 0.1
    """Peak learning rate, a step at ``batch_size``."""

    momentum: float = 0.9
    """Momentum of SGD; the first beta of Adam and AdamW. In [0, 1)."""

    beta2: float = 0.999
    """The second beta of Adam and AdamW. In [0, 1)."""

    weight_decay: float = 5e-4
    """Pull towards zero a step: added to the gradient (SGD, Adam) or times lr off the weight (AdamW).
    Norms and biases have none."""

    schedule: str = "cosine"
    """Shape of the learning rate after the warm-up: ``constant``, ``linear``, ``cosine`` (both fall to
    ``final_lr_frac``) or ``onecycle`` (rises as a cosine during the warm-up, falls as a cosine after it)."""

    warmup_epochs: float = 0.0
    """Epochs in which the learning rate rises from near 0 to its peak."""

    final_lr_frac: float = 0.0
    """Learning rate of the last step as a fraction of the peak, in [0, 1]."""

    augment: str = "baseline"
    """Name of an augmentation preset (``cifarzoo.augment.create``)."""

    label_smoothing: float = 0.0
    """Share of each target spread evenly over all classes, in [0, 1)."""

    precision: str = "auto"
    """``fp32``, ``bf16`` (autocast), or ``auto``: bf16 where the processor or the GPU computes it natively."""

    channels_last: bool = True
    """Keep images and convolution weights in NHWC memory order, which the kernels prefer."""

    evaluate_every: int = 1
    """Epochs from one evaluation on the test set to the next; the last epoch always has one."""

    def __post_init__(self) -> None:
        for item in fields(self):
            _check_type(item.name, str(item.type), getattr(self, item.name))
        _check_choice("optimizer", self.optimizer, OPTIMIZERS)
        _check_choice("schedule", self.schedule, SCHEDULES)
        _check_choice("precision", self.precision, PRECISIONS)
        _check_range("epochs", self.epochs, low=1)
        _check_range("batch_size", self.batch_size, low=1)
        _check_range("evaluate_every", self.evaluate_every, low=1)
        _check_range("lr", self.lr, low=0.0, open_low=True)
        _check_range("weight_decay", self.weight_decay, low=0.0)
        _check_range("momentum", self.momentum, low=0.0, high=1.0)
        _check_range("beta2", self.beta2, low=0.0, high=1.0)
        _check_range("label_smoothing", self.label_smoothing, low=0.0, high=1.0)
        _check_range("warmup_epochs", self.warmup_epochs, low=0.0, high=self.epochs)
        if not 0.0 <= self.final_lr_frac <= 1.0:
            raise RecipeError(f"final_lr_frac (={self.final_lr_frac!r}) must lie in [0, 1]")

    def replace(self, **changes: Any) -> Self:
        """The recipe with some fields changed; an unknown field raises RecipeError with the nearest names."""
        for name in changes:
            _check_known(name)
        return replace(self, **changes)

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        """The recipe with fields changed from text, as a command line gives them: ``{"lr": "0.05"}``."""
        return self.replace(**{name: _parsed(name, text) for name, text in settings.items()})

    def to_json(self) -> str:
        """The recipe as indented JSON, keys in the order of the fields."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, *, source: str = "recipe") -> Self:
        """Read a recipe.

        Args:
            text: JSON, an object of fields; those left out take their defaults.
            source: what to call it in an error.

        Raises:
            RecipeError: not JSON, a field that does not exist or a value that cannot be run.
        """
        try:
            values = json.loads(text)
        except ValueError as error:
            raise RecipeError(f"{source} is not JSON ({error}); write it with Recipe.to_json()") from None
        if not isinstance(values, dict):
            raise RecipeError(f"{source} holds {type(values).__name__}, not an object of recipe fields")
        for name in values:
            _check_known(name)
        return cls(**values)


def _check_known(name: str) -> None:
    """Raise RecipeError for a name that is no field."""
    known = [item.name for item in fields(Recipe)]
    if name not in known:
        nearest = ", ".join(get_close_matches(name, known, n=3, cutoff=0.0))
        raise RecipeError(f"a recipe has no field {name!r}; nearest: {nearest}")


def _check_type(name: str, annotation: str, value: Any) -> None:
    """Raise RecipeError unless the value is of its field's type; an int stands for a float, a bool for nothing else."""
    kinds: dict[str, tuple[type, ...]] = {
        "str": (str,),
        "str | None": (str, type(None)),
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
    }
    wanted = kinds[annotation]
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise RecipeError(f"{name} (={value!r}) must be of type {annotation}")
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"{name} (={value!r}) must be finite")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RecipeError(f"{name} (={value!r}) must be one of: {', '.join(choices)}")


def _check_range(name: str, value: float, *, low: float, high: float | None = None, open_low: bool = False) -> None:
    """Raise RecipeError unless low <= value < high; ``open_low`` shuts low out as well."""
    if value < low or (open_low and value == low):
        raise RecipeError(f"{name} (={value!r}) must be {'above' if open_low else 'at least'} {low}")
    if high is not None and value >= high:
        raise RecipeError(f"{name} (={value!r}) must be below {high}")


def _parsed(name: str, text: str) -> Any:
    """A field's value from text: JSON where the field is not text itself."""
    _check_known(name)
    annotation = next(str(item.type) for item in fields(Recipe) if item.name == name)
    if annotation == "str":
        return text
    if annotation == "str | None":
        return None if text.lower() in ("none", "null") else text
    try:
        return json.loads(text.lower())
    except ValueError:
        raise RecipeError(f"{name} (={text!r}) must be of type {annotation}") from None
