"""What is known of the official sets before any file is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Archive:
    """An official file, and where it is to be had."""

    name: str
    url: str
    sha256: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Spec:
    """An official set.

    ``mean`` and ``std`` are of pixel / 255 over all pixels of the training part. ``per_class`` is the number of images
    of each class in each split.
    """

    name: str
    title: str
    size_px: int
    num_classes: int
    per_class: Mapping[str, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    paper: str
    archive: Archive


CIFAR10 = Spec(
    name="cifar10",
    title="CIFAR-10",
    size_px=32,
    num_classes=10,
    per_class={"train": 5000, "test": 1000},
    mean=(0.491400, 0.482158, 0.446531),
    std=(0.247032, 0.243485, 0.261588),
    paper="Krizhevsky, Learning multiple layers of features from tiny images, 2009",
    archive=Archive(
        name="cifar-10-binary.tar.gz",
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        bytes=170_052_171,
    ),
)
CIFAR100 = Spec(
    name="cifar100",
    title="CIFAR-100",
    size_px=32,
    num_classes=100,
    per_class={"train": 500, "test": 100},
    mean=(0.507076, 0.486550, 0.440919),
    std=(0.267334, 0.256438, 0.276151),
    paper="Krizhevsky, Learning multiple layers of features from tiny images, 2009",
    archive=Archive(
        name="cifar-100-binary.tar.gz",
        url="https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        bytes=168_513_733,
    ),
)
TINY_IMAGENET = Spec(
    name="tiny_imagenet",
    title="Tiny-ImageNet",
    size_px=64,
    num_classes=200,
    per_class={"train": 500, "val": 50},
    mean=(0.480237, 0.448067, 0.397504),
    std=(0.276436, 0.268863, 0.281590),
    paper="Le and Yang, Tiny ImageNet visual recognition challenge, 2015",
    archive=Archive(
        name="tiny-imagenet-200.zip",
        url="https://cs231n.stanford.edu/tiny-imagenet-200.zip",
        sha256="6198c8ae015e2b3e007c7841da39ec069199b9aa3bfa943a462022fe5e43c821",
        bytes=248_100_043,
    ),
)

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

# The superclasses in the order of their labels, each with its five classes.
CIFAR100_FAMILIES = {
    "aquatic_mammals": ("beaver", "dolphin", "otter", "seal", "whale"),
    "fish": ("aquarium_fish", "flatfish", "ray", "shark", "trout"),
    "flowers": ("orchid", "poppy", "rose", "sunflower", "tulip"),
    "food_containers": ("bottle", "bowl", "can", "cup", "plate"),
    "fruit_and_vegetables": ("apple", "mushroom", "orange", "pear", "sweet_pepper"),
    "household_electrical_devices": ("clock", "keyboard", "lamp", "telephone", "television"),
    "household_furniture": ("bed", "chair", "couch", "table", "wardrobe"),
    "insects": ("bee", "beetle", "butterfly", "caterpillar", "cockroach"),
    "large_carnivores": ("bear", "leopard", "lion", "tiger", "wolf"),
    "large_man-made_outdoor_things": ("bridge", "castle", "house", "road", "skyscraper"),
    "large_natural_outdoor_scenes": ("cloud", "forest", "mountain", "plain", "sea"),
    "large_omnivores_and_herbivores": ("camel", "cattle", "chimpanzee", "elephant", "kangaroo"),
    "medium_mammals": ("fox", "porcupine", "possum", "raccoon", "skunk"),
    "non-insect_invertebrates": ("crab", "lobster", "snail", "spider", "worm"),
    "people": ("baby", "boy", "girl", "man", "woman"),
    "reptiles": ("crocodile", "dinosaur", "lizard", "snake", "turtle"),
    "small_mammals": ("hamster", "mouse", "rabbit", "shrew", "squirrel"),
    "trees": ("maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"),
    "vehicles_1": ("bicycle", "bus", "motorcycle", "pickup_truck", "train"),
    "vehicles_2": ("lawn_mower", "rocket", "streetcar", "tank", "tractor"),
}
CIFAR100_COARSE_CLASSES = tuple(CIFAR100_FAMILIES)
CIFAR100_CLASSES = tuple(sorted(name for family in CIFAR100_FAMILIES.values() for name in family))
CIFAR100_COARSE_OF_FINE = tuple(  # the superclass's label of each class
    next(label for label, family in enumerate(CIFAR100_FAMILIES.values()) if name in family)
    for name in CIFAR100_CLASSES
)
