"""Augmentation of whole batches on their device, with a draw for each image."""

from cifarzoo.augment import functional
from cifarzoo.augment.color import ColorJitter
from cifarzoo.augment.geometric import RandomCrop, RandomFlip
from cifarzoo.augment.op import Op
from cifarzoo.augment.pipeline import Pipeline
from cifarzoo.augment.presets import create, list_presets

__all__ = ["ColorJitter", "Op", "Pipeline", "RandomCrop", "RandomFlip", "create", "functional", "list_presets"]
