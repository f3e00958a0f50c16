"""The report's nine results, one record a row, and a recipe for each: what cifarzoo is measured against.

The report trained each on one RTX 4090 with torch 2.6. Rows are numbered by its tables. It gives epochs, optimisers,
augmentation and, for T10, the batch size; learning rates, schedules and the other batch sizes are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

from cifarzoo.recipes.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """One row: ``loss`` is the training loss of the last epoch, ``top1`` the test accuracy in percent."""

    row: str
    recipe: str
    """Name of the recipe that trains it."""
    what: str
    model: str
    dataset: str
    params: int
    """Parameters, to the two decimals of a million that the report gives."""
    epochs: int
    epoch_s: float
    """Seconds an epoch."""
    loss: float
    top1: float
    train_top1: float | None = None
    """Training accuracy in percent, where the report gives it."""


REPORT: tuple[ReportRow, ...] = (
    ReportRow(
        row="T2",
        recipe="report/baseline",
        what="plain convolutions (Adam)",
        model="baseline_cnn",
        dataset="cifar10",
        params=7_280_000,
        epochs=128,
        epoch_s=5,
        loss=0.227,
        top1=87.17,
    ),
    ReportRow(
        row="T3",
        recipe="report/residual",
        what="some convolutions replaced by residual blocks",
        model="residual_cnn",
        dataset="cifar10",
        params=6_100_000,
        epochs=128,
        epoch_s=5,
        loss=0.321,
        top1=87.43,
    ),
    ReportRow(
        row="T4",
        recipe="report/wide-adam",
        what="deeper and wider (Adam)",
        model="wide_residual_cnn",
        dataset="cifar10",
        params=11_030_000,
        epochs=128,
        epoch_s=6,
        loss=0.051,
        top1=91.09,
    ),
    ReportRow(
        row="T5",
        recipe="report/wide-adamw",
        what="the same with AdamW",
        model="wide_residual_cnn",
        dataset="cifar10",
        params=11_030_000,
        epochs=128,
        epoch_s=6,
        loss=0.008,
        top1=92.57,
    ),
    ReportRow(
        row="T6",
        recipe="report/wide-colorjitter",
        what="the same with ColorJitter",
        model="wide_residual_cnn",
        dataset="cifar10",
        params=11_030_000,
        epochs=128,
        epoch_s=6,
        loss=0.010,
        top1=92.61,
    ),
    ReportRow(
        row="T7",
        recipe="report/attention",
        what="residual blocks replaced by attention",
        model="attention_net",
        dataset="cifar10",
        params=8_970_000,
        epochs=128,
        epoch_s=10,
        loss=0.015,
        top1=90.85,
    ),
    ReportRow(
        row="T8",
        recipe="report/resnet17",
        what="the final 17-layer residual network",
        model="resnet17",
        dataset="cifar10",
        params=53_240_000,
        epochs=128,
        epoch_s=10,
        loss=0.004,
        top1=93.24,
    ),
    ReportRow(
        row="T9",
        recipe="report/tiny-reuse",
        what="the same structure at 64x64",
        model="resnet17_64",
        dataset="tiny_imagenet",
        params=46_870_000,
        epochs=64,
        epoch_s=16,
        loss=0.1004,
        top1=38.82,
        train_top1=99.00,
    ),
    ReportRow(
        row="T10",
        recipe="report/tiny-strong",
        what="deeper, wider, strong augmentation, dropout",
        model="deep_resnet_64",
        dataset="tiny_imagenet",
        params=17_500_000,
        epochs=256,
        epoch_s=19,
        loss=0.9946,
        top1=46.40,
        train_top1=76.44,
    ),
)

_BASE = Recipe(
    data="cifar10",
    epochs=128,
    batch_size=128,
    optimizer="adam",
    lr=1e-3,
    weight_decay=0.0,
    schedule="cosine",
    warmup_epochs=5,
    augment="baseline",
)
_ADAMW = _BASE.replace(optimizer="adamw", weight_decay=0.05)
_JITTER = _ADAMW.replace(augment="colorjitter")
_TINY = _JITTER.replace(data="tiny_imagenet", batch_size=256, epochs=64)

REPORT_RECIPES: tuple[Recipe, ...] = (
    _BASE.replace(name="report/baseline", model="baseline_cnn"),
    _BASE.replace(name="report/residual", model="residual_cnn"),
    _BASE.replace(name="report/wide-adam", model="wide_residual_cnn"),
    _ADAMW.replace(name="report/wide-adamw", model="wide_residual_cnn"),
    _JITTER.replace(name="report/wide-colorjitter", model="wide_residual_cnn"),
    _JITTER.replace(name="report/attention", model="attention_net", warmup_epochs=10),
    _JITTER.replace(name="report/resnet17", model="resnet17"),
    _TINY.replace(name="report/tiny-reuse", model="resnet17_64"),
    _TINY.replace(name="report/tiny-strong", model="deep_resnet_64", epochs=256, batch_size=1000, augment="strong"),
)
