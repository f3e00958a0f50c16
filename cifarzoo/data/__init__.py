"""Data sets in memory, and batches of them.

``open`` a set by name, or make one of the classes; give it to ``Loader``.
"""

from cifarzoo.data.build import CacheWarning
from cifarzoo.data.catalog import entry, names, open
from cifarzoo.data.cifar import CIFAR10
from cifarzoo.data.dataset import Dataset
from cifarzoo.data.digits import Digits
from cifarzoo.data.loader import Loader
from cifarzoo.data.parts import split, subset
from cifarzoo.data.tiny_imagenet import TinyImageNet

__all__ = [
    "CIFAR10",
    "CacheWarning",
    "Dataset",
    "Digits",
    "Loader",
    "TinyImageNet",
    "entry",
    "names",
    "open",
    "split",
    "subset",
]
