"""Data sets in memory, and batches of them.

``open`` a set by name, or make one of the classes; give it to ``Loader``.
"""

from cifarzoo.data.array_dataset import ArrayDataset
from cifarzoo.data.build import CacheWarning, SkippedWarning
from cifarzoo.data.catalog import entry, names, open
from cifarzoo.data.cifar import CIFAR10, CIFAR100
from cifarzoo.data.dataset import Dataset
from cifarzoo.data.digits import Digits
from cifarzoo.data.folder import ImageFolder
from cifarzoo.data.hugging_face import HuggingFace
from cifarzoo.data.loader import Loader
from cifarzoo.data.overlap import drop_overlap, find_duplicates, find_overlap
from cifarzoo.data.parts import concat, split, subset
from cifarzoo.data.tiny_imagenet import TinyImageNet

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "ArrayDataset",
    "CacheWarning",
    "Dataset",
    "Digits",
    "HuggingFace",
    "ImageFolder",
    "Loader",
    "SkippedWarning",
    "TinyImageNet",
    "concat",
    "drop_overlap",
    "entry",
    "find_duplicates",
    "find_overlap",
    "names",
    "open",
    "split",
    "subset",
]
