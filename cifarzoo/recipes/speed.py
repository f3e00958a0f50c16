"""Recipes for accuracy per minute.

The method is airbench94 with Muon (Jordan, 2024): its learning rates, label smoothing and augmentation. What differs
saves work on a processor: smaller pictures first, half of its batch, the stem detached after an epoch, the first group
frozen at the end. The paper's rates of head and biases, 0.67 and 0.053, are for a loss that is summed over the batch;
ours is the mean over 1,000 images. Lookahead averaging gains nothing here (docs/results/ablations.json).
"""

from __future__ import annotations

from cifarzoo.recipes.recipe import Recipe

C94 = Recipe(
    name="speed/c94",
    model="speednet",
    data="cifar10",
    epochs=10,
    batch_size=1000,
    optimizer="muon",
    lr=0.15,
    momentum=0.6,
    head_lr_ratio=670 / 0.15,
    bias_lr_ratio=53 / 0.15,
    rest_momentum=0.85,
    weight_decay=3e-6,
    schedule="linear",
    augment="airbench",
    label_smoothing=0.2,
    sizes=((1 / 3, 24), (2 / 3, 28)),
    freeze=(("stem", 0.1), ("stages.0", 0.8)),
    evaluate_every=5,
    views=6,
)
"""CIFAR-10 in 0.25 PFLOP: 93.13 %, with six views 93.84 % (seed 0)."""

SPEED_RECIPES = (C94,)
