"""Small-image classification: models, data in memory, whole-batch augmentation, training and weights."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cifarzoo import augment as augment
    from cifarzoo import data as data
    from cifarzoo import recipes as recipes
    from cifarzoo import weights as weights
    from cifarzoo.errors import CifarZooError as CifarZooError
    from cifarzoo.factory import create as create
    from cifarzoo.factory import list_models as list_models
    from cifarzoo.factory import load as load
    from cifarzoo.factory import model_info as model_info
    from cifarzoo.factory import predict as predict
    from cifarzoo.recipes import Recipe as Recipe
    from cifarzoo.registry import register as register
    from cifarzoo.training import Trainer as Trainer
    from cifarzoo.training import evaluate as evaluate

# Where each public name lives. Nothing is imported before it is asked for, so that `import cifarzoo` costs nothing.
_HOMES = {
    "CifarZooError": "cifarzoo.errors",
    "Recipe": "cifarzoo.recipes",
    "Trainer": "cifarzoo.training",
    "augment": "cifarzoo.augment",
    "create": "cifarzoo.factory",
    "data": "cifarzoo.data",
    "evaluate": "cifarzoo.training",
    "list_models": "cifarzoo.factory",
    "load": "cifarzoo.factory",
    "model_info": "cifarzoo.factory",
    "predict": "cifarzoo.factory",
    "recipes": "cifarzoo.recipes",
    "register": "cifarzoo.registry",
    "weights": "cifarzoo.weights",
}

__version__ = "0.1.0"
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cifarzoo' has no attribute {name!r}")
    home = importlib.import_module(_HOMES[name])
    value = home if home.__name__ == f"cifarzoo.{name}" else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
