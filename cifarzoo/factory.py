"""Models by name: here the registry and the weights meet."""

from __future__ import annotations

import contextlib
import fnmatch
import importlib.metadata
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

import cifarzoo.models  # noqa: F401  (fills the registry)
from cifarzoo import registry, weights
from cifarzoo.errors import CifarZooError, SettingError
from cifarzoo.layers.normalize import Normalize
from cifarzoo.models.base import Classifier
from cifarzoo.registry import ModelSpec
from cifarzoo.weights import Card
from cifarzoo.weights.fitting import AdaptedWarning, load_strictly, with_channels

if TYPE_CHECKING:
    from cifarzoo.training import Prediction
    from cifarzoo.weights.transform import Pictures


@lru_cache(maxsize=1)
def _load_plugins() -> None:
    """Let other packages register their models (entry-point group ``cifarzoo.models``)."""
    for entry in importlib.metadata.entry_points(group="cifarzoo.models"):
        entry.load()


def list_models(pattern: str = "*", *, pretrained: bool = False) -> list[str]:
    """The names of the models that match a shell pattern such as ``"*resnet*"``, sorted.

    Args:
        pattern: of names.
        pretrained: list weights instead (``arch.tag``), those that ``create(..., pretrained=True)`` takes.
    """
    _load_plugins()
    if not pretrained:
        return registry.names(pattern)
    known = set(registry.names())
    found = [(name, name.partition(".")[0]) for name in weights.names()]
    return [name for name, arch in found if arch in known and any(fnmatch.filter((name, arch), pattern))]


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
        pretrained: True for the published weights (of the tag, or of the default one); or what ``load`` takes.
        num_classes: number of logits; 0 gives pooled features; None gives the weights' or the model's default. Other
            classes than the weights' get a new head on the trained body.
        in_channels: channels of the input; others than the weights' get an adapted stem.
        seed: makes the initialisation reproducible; the global random state stays as it was.
        normalize: put the weights' mean and std in front, so that the model takes pixel / 255.
        settings: the family's own (``model_info(name).legal_settings``).

    Returns:
        A model that takes (B, C, H, W) float, normalised, and gives (B, num_classes) logits.

    Raises:
        UnknownModelError: no such name, or no such weights.
        SettingError: an argument outside what is legal.
        IntegrityError: the weights are not those that their card promises, or do not fit.
        DownloadError: the weights cannot be fetched.
    """
    spec = model_info(name.partition(".")[0])
    _check_source(name, pretrained)
    registry.check_settings(spec, settings)
    _check_count("num_classes", num_classes, least=0, optional=True)
    _check_count("in_channels", in_channels, least=1)
    _check_count("seed", seed, least=0, below=2**63, optional=True)
    if pretrained is not False:
        source = name if pretrained is True else str(pretrained)
        trained = weights.read(name) if pretrained is True else _read(pretrained)
        model = _with_weights(spec, source, trained, num_classes, in_channels, seed, settings)
        return _normalized(model) if normalize else model
    if normalize:
        raise SettingError("normalize=True needs trained weights, whose mean and std it takes; add pretrained=...")
    return _build(spec, spec.num_classes if num_classes is None else num_classes, in_channels, seed, settings)


def load(path: Path | str, *, normalize: bool = False) -> Classifier:
    """The model of a run's folder, of a weight file or of published weights, in eval mode, ready to predict.

    Args:
        path: a folder that holds ``model.safetensors``, or a ``.safetensors`` file, whose card lies beside it; such a
            file's address (``https://...``), kept in the cache; or the name of published weights (``arch.tag``, or
            ``arch`` for its default tag), where no file or folder is called so.
        normalize: put the card's mean and std in front, so that the model takes pixel / 255.

    Raises:
        DataError, UnknownModelError: nothing is there.
        IntegrityError: the bytes are not those that the card promises, or do not fit the model it names.
        DownloadError: the weights cannot be fetched.
    """
    state, card = _read(path)
    spec = model_info(card.arch)
    model = _with_weights(spec, str(path), (state, card), card.num_classes, card.in_channels, 0, card.settings)
    model.eval()
    return _normalized(model) if normalize else model


def predict(model: nn.Module | str | Path, images: Pictures, top: int = 5) -> list[Prediction]:
    """Classify pictures.

    Args:
        model: a trained model, the name of published weights (``arch.tag``), a run's folder or a weight file.
        images: a PIL image, a uint8 array or tensor, a batch of them, or a list, of any size; the middle square is
            taken and resized to what the weights expect.
        top: how many classes to name; at most all of them.

    Returns:
        A prediction for each picture.

    Raises:
        SettingError: images of another type or shape, or a model without classes, mean and std.
        UnknownModelError, DataError, DownloadError: the model cannot be had.
    """
    from cifarzoo import training

    _check_count("top", top, least=1)
    if isinstance(model, (str, Path)):
        model = load(model)
    return training.predict(model, images, top)


def _read(source: Path | str) -> tuple[dict[str, Tensor], Card]:
    """The weights at an address, of a run's folder, of a file, or of a name that is neither."""
    _load_plugins()
    if weights.is_url(source):
        return weights.read_url(str(source))
    name = str(source)
    like_a_name = re.fullmatch(r"[a-z]\w*\.(?!safetensors)[\w-]+", name) or name in registry.names()
    return weights.read(name) if like_a_name and not Path(source).exists() else weights.load_weights(source)


def _build(
    spec: ModelSpec, num_classes: int, in_channels: int, seed: int | None, settings: Mapping[str, Any]
) -> Classifier:
    """The bare model, its name and settings noted on it so that a run can be loaded again."""
    resolved = {**spec.settings, **settings}
    try:
        with seeded(seed):
            model = spec.builder(num_classes=num_classes, in_channels=in_channels, **resolved)
    except (TypeError, ValueError, RuntimeError) as error:  # what a family makes of a list where a number belongs
        if not settings or isinstance(error, CifarZooError):
            raise
        raise SettingError(
            f"{spec.name} cannot be built with {dict(settings)} ({error}); see its class for what they are"
        ) from error
    if not isinstance(model, Classifier):
        raise SettingError(f"{spec.name} builds a {type(model).__name__}, not a cifarzoo.models.Classifier; derive it")
    model.arch, model.settings, model.default_input_size = spec.name, resolved, spec.input_size
    return model


def _with_weights(
    spec: ModelSpec,
    source: str,
    trained: tuple[Mapping[str, Tensor], Card],
    num_classes: int | None,
    in_channels: int,
    seed: int | None,
    settings: Mapping[str, Any],
) -> Classifier:
    """The model with trained weights: a new head where other classes are asked for, the stem fitted to the channels."""
    state, card = trained
    if card.arch != spec.name:
        raise SettingError(f"{source} holds weights of {card.arch!r}, not of {spec.name!r}; create({card.arch!r}, ...)")
    if settings and registry.resolved(spec.name, settings) != registry.resolved(spec.name, card.settings):
        raise SettingError(f"{source} was trained with settings {card.settings}; leave yours (={dict(settings)}) out")
    registry.check_settings(spec, card.settings)
    num_classes = card.num_classes if num_classes is None else num_classes
    model = _build(spec, card.num_classes, in_channels, 0 if seed is None else seed, card.settings)
    adapted = []
    if in_channels != card.in_channels:
        state = with_channels(state, model, trained=card.in_channels, wanted=in_channels)
        adapted.append(f"its stem is that of {card.in_channels} channels fitted to {in_channels}")
    load_strictly(model, state, source=source)
    model.card = card if in_channels == card.in_channels else card.with_channels(in_channels)
    if num_classes != card.num_classes:
        with seeded(seed):
            model.reset_classifier(num_classes)
        if num_classes:
            adapted.append(f"its head for {num_classes} classes (trained: {card.num_classes}) is new; train it")
    if adapted:
        warnings.warn(f"{spec.name} from {source}: {'; '.join(adapted)}", AdaptedWarning, stacklevel=3)
    return model


@contextlib.contextmanager
def seeded(seed: int | None) -> Iterator[None]:
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


def _normalized(model: Classifier) -> Classifier:
    """The model with its card's mean and std taken off in front."""
    card = model.card
    if card is None or card.mean is None or card.std is None:
        raise SettingError("normalize=True needs a card with mean and std; these weights have none")
    model.normalize = Normalize(card.mean, card.std)
    return model


def _check_source(name: str, pretrained: object) -> None:
    """Raise SettingError for what cannot be a source of weights, or where the name's tag says another one."""
    if not isinstance(pretrained, (bool, str, Path)) or pretrained == "":
        raise SettingError(f"pretrained (={pretrained!r}) must be True, False, a run, a file, a name or an address")
    arch, dot, tag = name.partition(".")
    if dot and pretrained is not True:
        other = f", pretrained={str(pretrained)!r}" if pretrained else ""
        raise SettingError(f"{name!r} names weights (={tag!r}): say pretrained=True, or create({arch!r}{other})")


def _check_count(name: str, value: object, *, least: int, below: float = math.inf, optional: bool = False) -> None:
    """Raise SettingError unless the value is an integer of at least ``least``, or None where it may be left out."""
    if optional and value is None:
        return
    if isinstance(value, int) and not isinstance(value, bool) and least <= value < below:
        return
    limit = f" and below {below}" if below < math.inf else ""
    raise SettingError(f"{name} (={value!r}) must be an integer of at least {least}{limit}")
