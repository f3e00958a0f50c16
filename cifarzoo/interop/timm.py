"""The models under timm's names: ``timm.create_model("cifarzoo_resnet17", ...)`` after ``register()``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from timm.models import DefaultCfg, PretrainedCfg, build_model_with_cfg, is_model, register_model
from torch import nn

from cifarzoo import factory
from cifarzoo.data import specs
from cifarzoo.models import Classifier
from cifarzoo.registry import ModelSpec

__all__: list[str] = []  # timm's register_model appends the names of the models

default_cfgs: dict[str, DefaultCfg] = {}  # timm's register_model looks for it under this name in this module


def register() -> list[str]:
    """Make every registered model available to ``timm.create_model`` as ``cifarzoo_<name>``.

    A name that timm has already is left as it is; so it does no harm to call this again, after registering more models
    for instance. timm's ``in_chans`` and ``drop_rate`` become ``in_channels`` and ``dropout``; other keywords are the
    family's own settings. ``pretrained=True`` takes the model's weights from where ``cifarzoo.create`` does.

    Returns:
        The names under which timm now knows the models, sorted.
    """
    names = []
    for name in factory.list_models():
        timm_name = f"cifarzoo_{name}"
        if not is_model(timm_name):
            default_cfgs[timm_name] = DefaultCfg()
            default_cfgs[timm_name].tags.append("")
            default_cfgs[timm_name].cfgs[""] = _pretrained_cfg(factory.model_info(name))
            register_model(_entrypoint(name, timm_name))
        names.append(timm_name)
    return sorted(names)


def _build(
    name: str,
    pretrained: bool,
    *,
    num_classes: int,
    in_chans: int = 3,
    drop_rate: float | None = None,
    **settings: Any,
) -> Classifier:
    """``create`` with timm's words for its arguments."""
    if drop_rate is not None:
        settings["dropout"] = drop_rate
    model = factory.create(name, pretrained=pretrained, num_classes=num_classes, in_channels=in_chans, **settings)
    model.in_chans = in_chans  # type: ignore[assignment]  # where timm looks for it when it saves a model
    return model


def _entrypoint(name: str, timm_name: str) -> Callable[..., nn.Module]:
    """The function that timm calls; ``**kwargs`` is its convention."""

    def entrypoint(pretrained: bool = False, **kwargs: Any) -> nn.Module:
        # A configuration that is handed in names weights of somebody's own (hf-hub:, local-dir:), which timm loads.
        ours = pretrained and kwargs.get("pretrained_cfg") is None and kwargs.get("pretrained_cfg_overlay") is None
        model: nn.Module = build_model_with_cfg(
            functools.partial(_build, name, ours),
            timm_name,
            pretrained and not ours,
            feature_cfg={"out_indices": _stages(name), "flatten_sequential": True},
            **kwargs,
        )
        return model

    entrypoint.__name__ = entrypoint.__qualname__ = timm_name
    entrypoint.__doc__ = factory.model_info(name).summary
    return entrypoint


def _on_no_device(name: str) -> Classifier:
    """The model without memory for its weights, to look at its modules."""
    with torch.device("meta"):
        return factory.create(name)


@functools.cache
def _stages(name: str) -> tuple[int, ...]:
    """The indices of all stages, what ``features_only=True`` gives by default."""
    return tuple(range(len(_on_no_device(name).feature_info)))


def _pretrained_cfg(spec: ModelSpec) -> PretrainedCfg:
    """What timm keeps of a model: its input, the names of its first and last layer. Weights it has from ours."""
    model = _on_no_device(spec.name)
    first_conv = next((key for key, layer in model.named_modules() if isinstance(layer, nn.Conv2d)), None)
    side = (spec.input_size - model.border_px) // model.feature_info[-1]["reduction"]
    data = specs.TINY_IMAGENET if spec.input_size == specs.TINY_IMAGENET.size_px else specs.CIFAR10
    return PretrainedCfg(
        input_size=(3, spec.input_size, spec.input_size),
        min_input_size=(3, spec.min_size, spec.min_size),
        crop_pct=1.0,
        mean=data.mean,
        std=data.std,
        num_classes=spec.num_classes,
        pool_size=(side, side),
        first_conv=first_conv,
        classifier="classifier",
        license="apache-2.0",
        description=spec.summary,
        paper_name=spec.paper,
    )
