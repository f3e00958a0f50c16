"""The recipe: everything that decides a training run, in one frozen record that is checked when it is made."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any, Self, get_type_hints

from cifarzoo.errors import RecipeError
from cifarzoo.recipes.validation import check_choice, check_known, check_range, coerce, parse

CHOICES: dict[str, tuple[object, ...]] = {
    "optimizer": ("sgd", "adam", "adamw", "muon"),
    "rest_optimizer": ("sgd", "adamw"),
    "augment": (
        "none",
        "baseline",
        "colorjitter",
        "strong",
        "airbench",
        "airbench-jitter",
        "airbench-cutout",
        "airbench-trivial",
        "trivial",
        "randaugment",
        "autoaugment",
        "augmix",
        "crop-flip-cutout",
        "rrc",
    ),
    "schedule": ("constant", "linear", "cosine", "onecycle", "triangle", "wsd"),
    "mix": ("none", "mixup", "cutmix"),
    "views": (1, 2, 6),
    "shrink": ("resize", "window"),
    "average": ("none", "ema", "lookahead", "tail"),
    "precision": ("auto", "fp32", "bf16"),
    "on_nan": ("stop", "skip"),
}


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

    epochs: float = 10
    """Passes over the training set; the last may be a part of one."""

    steps: int | None = None
    """Ends the run after so many steps instead of after ``epochs``."""

    seconds: float | None = None
    """Ends the run after so many seconds of training (evaluation not counted) instead: learning rate, sizes and the
    like then follow the clock, as they would follow the steps of ``epochs``, and no run is the bits of another."""

    batch_size: int = 250
    """Images a step, over all processes together."""

    accumulate: int = 1
    """Parts that a batch is cut into to save memory, their gradients added up; batch norm sees each part alone."""

    seed: int = 0
    """Decides order, augmentation and dropout; the initial weights belong to the model (``create(..., seed=)``)."""

    optimizer: str = "sgd"
    """``sgd`` (with Nesterov's momentum), ``adam``, ``adamw``, or ``muon`` for the weights of convolutions and hidden
    linear layers with ``rest_optimizer`` for everything else."""

    rest_optimizer: str = "sgd"
    """What takes the head, norms and biases beside Muon: ``sgd`` or ``adamw``."""

    lr: float = 0.1
    """Peak learning rate; it is taken as it is, whatever ``batch_size``."""

    head_lr_ratio: float = 1.0
    """Learning rate of the classifier's weights, in units of ``lr``."""

    bias_lr_ratio: float = 1.0
    """Learning rate of norms, biases and other vectors, in units of ``lr``."""

    momentum: float = 0.9
    """Momentum of SGD and Muon; the first beta of Adam and AdamW. In [0, 1)."""

    rest_momentum: float = 0.85
    """The same for ``rest_optimizer``."""

    beta2: float = 0.999
    """The second beta of Adam and AdamW. In [0, 1)."""

    weight_decay: float = 5e-4
    """Pull towards zero a step: added to the gradient (SGD, Adam) or times lr off the weight (AdamW, Muon)."""

    bias_weight_decay: float = 0.0
    """The same for norms, biases and other vectors, which have none as a rule."""

    clip_norm: float | None = None
    """Longest gradient, all parameters together: a longer one is scaled down to it. None leaves it."""

    schedule: str = "cosine"
    """Course of the learning rate: ``constant``; ``linear`` or ``cosine``, down to ``final_lr_frac``; ``onecycle``, up
    and down as cosines; ``triangle``, straight up from a fifth, straight down; ``wsd``, which stays at the peak and
    falls in the last fifth."""

    warmup_epochs: float = 0.0
    """Epochs in which the learning rate rises from near 0 to its peak."""

    final_lr_frac: float = 0.0
    """Learning rate of the last step as a fraction of the peak, in [0, 1]."""

    augment: str = "baseline"
    """Name of an augmentation preset (``cifarzoo.augment.create``)."""

    mix: str = "none"
    """Mixing of pictures and targets within a batch: ``mixup`` or ``cutmix``."""

    mix_alpha: float = 1.0
    """Of the beta distribution that a picture's share is drawn from: the smaller, the more one of the two prevails."""

    mix_prob: float = 1.0
    """Probability that a batch is mixed, in [0, 1]."""

    label_smoothing: float = 0.0
    """Share of each target spread evenly over all classes, in [0, 1)."""

    average: str = "none"
    """Averaging of weights: ``ema`` (exponential), ``lookahead`` (an exponential average that the weights return to,
    ever more slowly towards the end) or ``tail`` (plain mean). The average is what is evaluated and saved."""

    average_every: int = 5
    """Steps from one update of the average to the next."""

    average_decay: float = 0.95
    """What the average keeps of itself, a step (``ema``, ``lookahead``). In [0, 1)."""

    average_start: float = 0.0
    """Fraction of the run's steps after which the average begins. In [0, 1)."""

    sizes: tuple[tuple[float, int], ...] = ()
    """Smaller pictures first: (until this fraction of the run, side in px) in rising order; then the full size. Small
    ones to the end, until 1, are for crops that are resized (``rrc``): what they show is as large as in whole pictures
    of full size (Touvron et al., "Fixing the train-test resolution discrepancy", 2019)."""

    shrink: str = "resize"
    """How pictures get the ``sizes``: ``resize`` shows all of them, smaller; ``window`` a square part of each, at a
    random place and as large as it is."""

    freeze: tuple[tuple[str, float], ...] = ()
    """Layers that stop learning: (start of the parameters' names, from this fraction of the run)."""

    precision: str = "auto"
    """``fp32``, ``bf16`` (autocast), or ``auto``: bf16 on GPUs that have it and on CPUs where it is the faster (AMX, or
    AMD's with AVX512_BF16), else fp32."""

    channels_last: bool = True
    """Keep images and convolution weights in NHWC memory order, which the kernels prefer."""

    sync_batch_norm: bool = False
    """Several GPUs: norms take their statistics over the whole batch instead of each GPU's part."""

    compile: bool = False
    """Compile the model with ``torch.compile``, each size of picture for itself: half a minute each. Fewer and larger
    kernels, for GPUs; on two AVX-512 cores a step of ``speednet`` or ``wide_residual_cnn`` took 1.0 to 1.1 of the time
    that it takes without."""

    on_nan: str = "stop"
    """What follows a loss or gradient that is not finite; its update is left out either way. ``stop`` raises
    DivergedError, ``skip`` goes on."""

    evaluate_every: int = 1
    """Epochs from one evaluation on the test set to the next; the last epoch always has one."""

    views: int = 1
    """Views of each test picture that are averaged for a second result at the end: 1 (none), 2 or 6."""

    def __post_init__(self) -> None:
        for name, annotation in field_types().items():
            object.__setattr__(self, name, coerce(name, getattr(self, name), annotation))
        self._check_values()
        self._check_course()

    def _check_values(self) -> None:
        """Raise RecipeError for a value outside what its field may hold."""
        for name, choices in CHOICES.items():
            check_choice(name, getattr(self, name), choices)
        for name in ("steps", "batch_size", "accumulate", "average_every", "evaluate_every"):
            check_range(name, getattr(self, name), low=1)
        for name in ("momentum", "rest_momentum", "beta2", "label_smoothing", "average_decay", "average_start"):
            check_range(name, getattr(self, name), low=0, high=1)
        for name in ("epochs", "seconds", "lr", "head_lr_ratio", "bias_lr_ratio", "mix_alpha", "clip_norm"):
            check_range(name, getattr(self, name), low=0, ends="()")
        for name in ("weight_decay", "bias_weight_decay"):
            check_range(name, getattr(self, name), low=0)
        check_range("warmup_epochs", self.warmup_epochs, low=0, high=self.epochs if self.steps is None else math.inf)
        for name in ("final_lr_frac", "mix_prob"):
            check_range(name, getattr(self, name), low=0, high=1, ends="[]")
        check_range("accumulate", self.accumulate, low=1, high=self.batch_size, ends="[]")

    def _check_course(self) -> None:
        """Raise RecipeError for what cannot follow each other in one run."""
        if self.steps is not None and self.seconds is not None:
            raise RecipeError(f"steps (={self.steps}) and seconds (={self.seconds}) both end the run; set one to null")
        for until, side in self.sizes:
            check_range("sizes", until, low=0, high=1, ends="(]")
            check_range("sizes", side, low=1)
        if [until for until, _ in self.sizes] != sorted({until for until, _ in self.sizes}):
            raise RecipeError(f"sizes (={self.sizes!r}) must name rising fractions of the run, each once")
        if self.sizes and self.shrink == "window" and self.mix == "cutmix":
            raise RecipeError(
                "mix='cutmix' shares targets out by areas of whole pictures, of which shrink='window' shows a part; "
                "choose mix='mixup' or shrink='resize'"
            )
        for _, start in self.freeze:
            check_range("freeze", start, low=0, high=1)

    def replace(self, **changes: Any) -> Self:
        """The recipe with some fields changed; an unknown field raises RecipeError with the nearest names."""
        for name in changes:
            check_known(name, list(field_types()))
        return replace(self, **changes)

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        """The recipe with fields changed from text, as a command line gives them: ``{"lr": "0.05"}``."""
        types = field_types()
        for name in settings:
            check_known(name, list(types))
        return self.replace(**{name: parse(name, text, types[name]) for name, text in settings.items()})

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
            check_known(name, list(field_types()))
        return cls(**values)


@lru_cache(maxsize=1)
def field_types() -> dict[str, Any]:
    """Each field's name and type, in order."""
    hints = get_type_hints(Recipe)
    return {item.name: hints[item.name] for item in fields(Recipe)}
