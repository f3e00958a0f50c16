"""Recipes for accuracy per minute.

The method is airbench94 with Muon (Jordan, 2024): its learning rates, decay and augmentation; a jitter of brightness
and contrast, and less label smoothing beside it, are Hiverge's (CIFAR10-Speedrun, 2025). What differs saves work on a
processor: smaller pictures first, smaller batches, the stem detached after an epoch. The rates of head and biases, 1.03
and 0.0815 for CIFAR-10, are for a loss that is summed over the batch; ours is the mean, so they stand here times the
batch; with each goes a decay that takes 0.002 off a step. Lookahead averaging gains nothing here
(docs/results/ablations.json).
"""

from __future__ import annotations

from cifarzoo.recipes.recipe import Recipe

C94 = Recipe(
    name="speed/c94",
    model="speednet",
    data="cifar10",
    epochs=9.6,
    batch_size=1000,
    optimizer="muon",
    lr=0.15,
    momentum=0.6,
    head_lr_ratio=1030 / 0.15,
    bias_lr_ratio=81.5 / 0.15,
    rest_momentum=0.85,
    weight_decay=2e-6,
    bias_weight_decay=2.45e-5,
    schedule="linear",
    augment="airbench-jitter",
    label_smoothing=0.1,
    sizes=((1 / 3, 24), (2 / 3, 28)),
    freeze=(("stem", 0.1),),
    evaluate_every=5,
    views=6,
)
"""CIFAR-10 in 0.25 PFLOP: 93.23 %, with six views 94.07 % (means of six runs); five minutes on two cores with AMX."""

TINY = C94.replace(
    name="speed/tiny",
    model="speednet_64",
    data="tiny_imagenet",
    epochs=28,
    batch_size=500,
    lr=0.1,
    head_lr_ratio=5150 / 0.1,
    bias_lr_ratio=41 / 0.1,
    weight_decay=6e-9,
    bias_weight_decay=0.0,
    augment="airbench-trivial",
    label_smoothing=0.1,
    sizes=((0.85, 48),),
    shrink="window",
)
"""Tiny-ImageNet in 3.3 PFLOP: 61.4 %, with six views 63.1 % (one seed); 67 minutes on two cores with AMX. Each of 200
classes is rare, so the head takes steps ten times as long and bears little decay. Windows of 48 px end in maps of 2x2:
at 1x1 a filter learns nothing but its centre. With TrivialAugment 65.3 % of the training pictures are right at the end;
a run without it, at stride 3 and of 22 epochs, had learned 87.7 % by heart."""

WIDE = C94.replace(
    name="speed/wide",
    model="wide_residual_cnn",
    epochs=45,
    rest_optimizer="adamw",
    head_lr_ratio=0.003 / 0.15,
    bias_lr_ratio=0.01 / 0.15,
    weight_decay=0.01,
    bias_weight_decay=0.0,
    augment="airbench-trivial",
    label_smoothing=0.1,
    sizes=((0.25, 16), (0.6, 24)),
    freeze=(("stem", 0.5),),
    evaluate_every=10,
)
"""CIFAR-10 in 2.9 PFLOP: 94.52 %, with six views 95.20 % (one seed); 68 minutes on two cores with AMX. A head that is
not scaled and norms that learn their scale, the last of a block from zero, are AdamW's; at 16 and 24 px no map has an
odd row to pad. With TrivialAugment 90.8 % of the training pictures are right at the end, 89.7 % after 34 epochs
(93.98 %), so more epochs would gain more; without it 99.4 % were after 20 (93.5 %)."""

SPEED_RECIPES = (C94, TINY, WIDE)
