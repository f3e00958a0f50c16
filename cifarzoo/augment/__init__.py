"""Augmentation of whole batches on their device, with a draw for each image."""

from cifarzoo.augment import functional
from cifarzoo.augment.autoaugment import AugMix, AutoAugment
from cifarzoo.augment.boxes import Cutout, RandomErasing, RandomResizedCrop, Resize
from cifarzoo.augment.color import ColorJitter
from cifarzoo.augment.geometric import AlternatingFlip, RandomAffine, RandomCrop, RandomFlip, RandomTranslate
from cifarzoo.augment.mixing import CutMix, MixUp
from cifarzoo.augment.op import MixOp, Op
from cifarzoo.augment.pipeline import Pipeline
from cifarzoo.augment.policies import RandAugment, TrivialAugment
from cifarzoo.augment.presets import create, list_presets
from cifarzoo.augment.tone import (
    RandomAutocontrast,
    RandomEqualize,
    RandomGrayscale,
    RandomInvert,
    RandomPosterize,
    RandomSharpness,
    RandomSolarize,
)

__all__ = [
    "AlternatingFlip",
    "AugMix",
    "AutoAugment",
    "ColorJitter",
    "CutMix",
    "Cutout",
    "MixOp",
    "MixUp",
    "Op",
    "Pipeline",
    "RandAugment",
    "RandomAffine",
    "RandomAutocontrast",
    "RandomCrop",
    "RandomEqualize",
    "RandomErasing",
    "RandomFlip",
    "RandomGrayscale",
    "RandomInvert",
    "RandomPosterize",
    "RandomResizedCrop",
    "RandomSharpness",
    "RandomSolarize",
    "RandomTranslate",
    "Resize",
    "TrivialAugment",
    "create",
    "functional",
    "list_presets",
]
