"""Models by name: here the registry and the weights meet."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

import cifarzoo.models  # noqa: F401  (fills the registry)
from cifarzoo import registry
from cifarzoo.errors import IntegrityError, SettingError
from cifarzoo.layers.normalize import Normalize
from cifarzoo.models.base import Classifier
from cifarzoo.registry import ModelSpec
from cifarzoo.weights import Card, load_weights


@lru_cache(maxsize=1)
def _load_plugins() -> None:
    """Let other packages register their models (entry-point group ``cifarzoo.models``)."""
    for entry in importlib.metadata.entry_points(group="cifarzoo.models"):
        entry.load()


def list_models(pattern: str = "*") -> list[str]:
    """The names of the models that match a shell pattern such as ``"*resnet*"``, sorted."""
    _load_plugins()
    return registry.names(pattern)


def model_info(name: str) -> ModelSpec:
    """What is known of a model before it is built; UnknownModelError names the three nearest."""
    _load_plugins()
    return registry.find(name)


def create(
    name: str,
    *,
    pretrained: bool | str | Path = False,
    num_classes: int | None = None,
    in_channels: int = 3,
    seed: int | None = None,
    normalize: bool = False,
    **settings: Any,
) -> Classifier:
    """Build a model.

    Args:
        name: ``arch``, or ``arch.tag`` where the tag names a set of weights.
        pretrained: a run's folder or a ``.safetensors`` file to take the weights from.
        num_classes: number of logits; 0 gives pooled features; None gives the weights' or the model's default.
        in_channels: channels of the input.
        seed: makes the initialisation reproducible; the global random state stays as it was.
        normalize: put the weights' mean and std in front, so that the model takes pixel / 255.
        settings: the family's own (``model_info(name).legal_settings``).

    Returns:
        A model that takes (B, C, H, W) float, normalised, and gives (B, num_classes) logits.

    Raises:
        UnknownModelError: no such name.
        SettingError: an argument outside what is legal.
    """
    arch, dot, tag = name.partition(".")
    spec = model_info(arch)
    if dot and pretrained is False:
        raise SettingError(f"{name!r} names weights (={tag!r}): add pretrained=True, or create({arch!r})")
    if pretrained is True:
        raise SettingError(f"no weights are published for {name!r} yet; train it, then pretrained='path/to/run'")
    registry.check_settings(spec, settings)
    _check_count("num_classes", num_classes, least=0)
    _check_count("in_channels", in_channels, least=1)
    _check_count("seed", seed, least=0)
    if pretrained is not False:
        return _with_weights(spec, Path(pretrained), num_classes, in_channels, seed, normalize, settings)
    if normalize:
        raise SettingError("normalize=True needs trained weights, whose mean and std it takes; add pretrained=...")
    return _build(spec, spec.num_classes if num_classes is None else num_classes, in_channels, seed, settings)


def load(path: Path | str, *, normalize: bool = False) -> Classifier:
    """The model of a run's folder or of a weight file, in eval mode, ready to predict.

    Args:
        path: a folder that holds ``model.safetensors``, or a ``.safetensors`` file; the card lies beside it.
        normalize: put the card's mean and std in front, so that the model takes pixel / 255.

    Raises:
        DataError: nothing is there.
        IntegrityError: the bytes are not those that the card promises, or do not fit the model it names.
    """
    state, card = load_weights(path)
    spec = model_info(card.arch)
    registry.check_settings(spec, card.settings)
    model = _build(spec, card.num_classes, card.in_channels, 0, card.settings)
    _load_strictly(model, state, source=str(path))
    model.card = card
    model.eval()
    return _normalized(model) if normalize else model


def _build(
    spec: ModelSpec, num_classes: int, in_channels: int, seed: int | None, settings: Mapping[str, Any]
) -> Classifier:
    """The bare model, its name and settings noted on it so that a run can be loaded again."""
    with _seeded(seed):
        model = spec.builder(num_classes=num_classes, in_channels=in_channels, **{**spec.settings, **settings})
    if not isinstance(model, Classifier):
        raise SettingError(f"{spec.name} builds a {type(model).__name__}, not a cifarzoo.models.Classifier; derive it")
    model.arch, model.settings, model.default_input_size = spec.name, dict(settings), spec.input_size
    return model


def _with_weights(
    spec: ModelSpec,
    path: Path,
    num_classes: int | None,
    in_channels: int,
    seed: int | None,
    normalize: bool,
    settings: Mapping[str, Any],
) -> Classifier:
    """The model with the weights of ``path``, with a new head where other classes are asked for."""
    model = load(path)
    card = model.card
    if card.arch != spec.name:
        raise SettingError(f"{path} holds weights of {card.arch!r}, not of {spec.name!r}; create({card.arch!r}, ...)")
    if settings and json.loads(json.dumps(settings, default=repr)) != card.settings:  # JSON has lists, no tuples
        raise SettingError(f"{path} was trained with settings {card.settings}; leave yours (={dict(settings)}) out")
    if in_channels != card.in_channels:
        raise SettingError(f"{path} takes in_channels={card.in_channels}, not {in_channels}; leave in_channels out")
    model.train()
    if num_classes is not None and num_classes != card.num_classes:
        with _seeded(seed):
            model.reset_classifier(num_classes)
        # Of the card, what is still true of a model whose head knows nothing yet.
        model.card = Card(
            arch=card.arch,
            settings=card.settings,
            num_classes=num_classes,
            in_channels=card.in_channels,
            input_size=card.input_size,
            mean=card.mean,
            std=card.std,
        )
    return _normalized(model) if normalize else model


@contextlib.contextmanager
def _seeded(seed: int | None) -> Iterator[None]:
    """Initialise from a seed and leave the global random state as it was, that of the GPUs in use too."""
    if seed is None:
        yield
        return
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed GPUs that are used later
        if gpus:
            torch.cuda.manual_seed_all(seed)
        yield


def _load_strictly(model: nn.Module, state: Mapping[str, Tensor], *, source: str) -> None:
    """Load a state dict, or say which keys are missing, unexpected or of another shape."""
    wanted = model.state_dict()
    missing, extra = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    shapes = sorted(key for key in wanted.keys() & state.keys() if wanted[key].shape != state[key].shape)
    if missing or extra or shapes:
        raise IntegrityError(
            f"{source} does not fit the model: missing {missing}, unexpected {extra}, of another shape {shapes}"
        )
    model.load_state_dict(dict(state))


def _normalized(model: Classifier) -> Classifier:
    """The model with its card's mean and std taken off in front."""
    card = model.card
    if card is None or card.mean is None or card.std is None:
        raise SettingError("normalize=True needs a card with mean and std; these weights have none")
    model.normalize = Normalize(card.mean, card.std)
    return model


def _check_count(name: str, value: int | None, *, least: int) -> None:
    """Raise SettingError unless the value is None or an integer of at least ``least``."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < least):
        raise SettingError(f"{name} (={value!r}) must be an integer of at least {least}")
