"""What the card of every published weight says of its data, of what it is for and of what it is not for."""

from __future__ import annotations

LICENSE = "Apache-2.0"

_TITLES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "tiny_imagenet": "Tiny-ImageNet", "digits": "the digits"}

_DATA_LICENSES = {
    "cifar10": "Trained on CIFAR-10 (Krizhevsky, 2009), whose authors state no licence; the images were collected from "
    "the web, and their terms may restrict use.",
    "cifar100": "Trained on CIFAR-100 (Krizhevsky, 2009), whose authors state no licence; the images were collected "
    "from the web, and their terms may restrict use.",
    "tiny_imagenet": "Trained on Tiny-ImageNet (Le and Yang, 2015), a part of ImageNet, whose images are for "
    "non-commercial research and education; the images' terms may restrict use.",
    "digits": "Trained on the Optical Recognition of Handwritten Digits data set (Alpaydin and Kaynak, 1998), "
    "CC BY 4.0.",
}

_NEAR_DUPLICATES = {
    "cifar10": "3.25 % of the test images have near duplicates among the training images, by the count of ciFAIR "
    "(Barz and Denzler, Do we train on test data?, 2020); they are part of the accuracy stated here.",
    "cifar100": "10 % of the test images have near duplicates among the training images, by the count of ciFAIR (Barz "
    "and Denzler, Do we train on test data?, 2020); they are part of the accuracy stated here.",
    "tiny_imagenet": "7 of the 10,000 validation images are identical to training images, pixel by pixel "
    "(cifarzoo.data.find_overlap); they are part of the accuracy stated here.",
}

_LABEL_ORDERS = {
    "cifar10": "that of the official files, which is alphabetical",
    "cifar100": "that of the official files (fine labels), which is alphabetical",
    "tiny_imagenet": "sorted WordNet IDs, n01443537 first",
    "digits": "0 to 9",
}

LIMITS = (
    "It names one of its classes whatever a picture shows, and its confidence is measured on the test set only. "
    "Pictures of another kind than the training images, and objects that fill little of a picture, are often named "
    "wrongly. Not for decisions about people, nor for anything where a mistake does harm."
)


def title(dataset: str | None) -> str:
    """A data set's name in words."""
    return _TITLES.get(dataset or "", dataset or "data without a name")


def data_license(dataset: str | None) -> str:
    """The licence of the images, as far as it is known."""
    unknown = f"Trained on {title(dataset)}; the images' terms may restrict use."
    return _DATA_LICENSES.get(dataset or "", unknown)


def near_duplicates(dataset: str | None) -> str:
    """How many test images the training set has as well, or nearly so."""
    return _NEAR_DUPLICATES.get(dataset or "", "Not counted.")


def label_order(dataset: str | None) -> str:
    """By what rule the classes are numbered."""
    return _LABEL_ORDERS.get(dataset or "", "that of the data set")


def intended_use(dataset: str | None, *, size_px: int | None, num_classes: int) -> str:
    """What the weights are for."""
    side = f" of {size_px}x{size_px} px" if size_px else ""
    return (
        f"Small pictures{side} into the {num_classes} classes of {title(dataset)}: teaching, research, a baseline to "
        "compare with, and a trained body for other small pictures."
    )
