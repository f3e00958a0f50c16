"""The catalogue of models: what is registered under which name. It imports no model."""

from __future__ import annotations

import fnmatch
import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from torch import nn

from cifarzoo.errors import SettingError, UnknownModelError

_SHARED = ("num_classes", "in_channels")  # every builder takes these; they are arguments of create() itself
_SPECS: dict[str, ModelSpec] = {}


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """What is known of a model before it is built.

    ``params`` and ``macs`` (multiply-accumulates of one forward pass) hold for ``num_classes`` classes and one image of
    ``input_size`` x ``input_size`` pixels with three channels.
    """

    name: str
    family: str
    builder: Callable[..., nn.Module] = field(repr=False)
    settings: Mapping[str, Any]
    summary: str
    paper: str | None
    input_size: int
    num_classes: int
    params: int
    macs: int
    min_size: int
    report_row: str | None

    @property
    def legal_settings(self) -> tuple[str, ...]:
        """The names of the family's own settings, those that ``create`` takes as further keywords."""
        return tuple(name for name in inspect.signature(self.builder).parameters if name not in _SHARED)


def register(
    name: str,
    builder: Callable[..., nn.Module],
    *,
    summary: str,
    input_size: int,
    num_classes: int,
    params: int,
    macs: int,
    min_size: int,
    settings: Mapping[str, Any] | None = None,
    paper: str | None = None,
    report_row: str | None = None,
) -> ModelSpec:
    """Add a model to the catalogue.

    Args:
        name: what ``create`` calls it: lower case letters, digits and underscores, starting with a letter.
        builder: the model's class; keyword-only arguments, among them ``num_classes`` and ``in_channels``.
        summary: one line for tables.
        input_size: side of its default input in px.
        num_classes: classes for which ``params`` and ``macs`` are stated.
        params: number of parameters.
        macs: multiply-accumulates of one forward pass of one image.
        min_size: side of the smallest legal input in px.
        settings: arguments of the builder that make this variant.
        paper: where the method comes from ("Authors, title, year"), if it has a source.
        report_row: the row of the report it reproduces, if any.

    Raises:
        SettingError: the name is taken or malformed, or a setting is not one of the builder's.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise SettingError(f"name (={name!r}) must be lower case letters, digits and underscores; choose another")
    if name in _SPECS:
        raise SettingError(f"a model named {name!r} is registered already; choose another name")
    spec = ModelSpec(
        name=name,
        family=builder.__module__.rpartition(".")[2],
        builder=builder,
        settings=MappingProxyType(dict(settings or {})),
        summary=summary,
        paper=paper,
        input_size=input_size,
        num_classes=num_classes,
        params=params,
        macs=macs,
        min_size=min_size,
        report_row=report_row,
    )
    check_settings(spec, spec.settings)
    _SPECS[name] = spec
    return spec


def check_settings(spec: ModelSpec, settings: Mapping[str, Any]) -> None:
    """Raise SettingError for a keyword that the model's family does not have."""
    legal = spec.legal_settings
    for name in settings:
        if name not in legal:
            raise SettingError(f"{spec.name} has no setting {name!r}; its settings are: {', '.join(legal) or 'none'}")


def resolved(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """All settings that a model is built with, the registered ones too, as JSON has them: lists, no tuples."""
    registered = _SPECS[name].settings if name in _SPECS else {}
    found: dict[str, Any] = json.loads(json.dumps({**registered, **settings}, default=repr))
    return found


def find(name: str) -> ModelSpec:
    """The spec of a registered name; UnknownModelError names the three nearest."""
    if name in _SPECS:
        return _SPECS[name]
    nearest = get_close_matches(name, _SPECS, n=3, cutoff=0.0)
    raise UnknownModelError(f"no model is named {name!r}; nearest: {', '.join(nearest)} (see cifarzoo.list_models())")


def names(pattern: str = "*") -> list[str]:
    """The registered names that match a shell pattern, sorted."""
    return sorted(fnmatch.filter(_SPECS, pattern))
