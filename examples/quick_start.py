"""A model by name, trained, saved, loaded again, and asked what it sees."""

from __future__ import annotations

import cifarzoo
from cifarzoo import Recipe, Trainer, data

RUN = "runs/quick_start"


def main() -> None:
    """Train for a few seconds on handwritten digits."""
    train = data.subset(data.open("digits", split="train"), range(200))
    test = data.open("digits", split="test")

    model = cifarzoo.create("baseline_cnn", num_classes=10, seed=0)
    recipe = Recipe(epochs=2, batch_size=10, optimizer="adamw", lr=1e-3, augment="none")
    Trainer(model, recipe, output_dir=RUN).fit(train, test)

    model = cifarzoo.load(RUN)  # as somebody else would, from the folder alone
    print(f"{cifarzoo.evaluate(model, test).top1:.2f} % of the test images are right")
    for prediction in cifarzoo.predict(model, test.images[:3], top=2):
        print(prediction.classes, prediction.probabilities)


if __name__ == "__main__":
    main()
