"""Models that compute something from the pictures get them before the first step, normalised."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import cifarzoo
from cifarzoo.data import ArrayDataset
from cifarzoo.recipes import Recipe
from cifarzoo.training import Trainer, preparing, trainer
from cifarzoo.training.preparing import initialize_from_data


class Remembers(nn.Module):
    """Keeps what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen = torch.empty(0)

    def initialize_from(self, images: torch.Tensor) -> None:
        self.seen = images


def pictures(count: int = 40, side: int = 20) -> ArrayDataset:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 3, side, side), dtype=torch.uint8, generator=generator)
    return ArrayDataset(images, torch.arange(count) % 2, classes=["a", "b"])


def test_pictures_come_normalised() -> None:
    model, dataset = Remembers(), pictures()
    initialize_from_data(model, dataset)
    assert model.seen.shape == dataset.images.shape
    torch.testing.assert_close(model.seen.mean((0, 2, 3)), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(model.seen.std((0, 2, 3)), torch.ones(3), atol=1e-3, rtol=0)


def test_pictures_are_of_all_classes_where_a_set_is_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparing, "_IMAGES", 6)
    images = torch.arange(15, dtype=torch.uint8).view(15, 1, 1, 1).expand(15, 3, 4, 4).contiguous()
    dataset = ArrayDataset(images, torch.arange(15) // 5, classes=["a", "b", "c"], mean=(0.0,) * 3, std=(1 / 255,) * 3)
    model = Remembers()
    initialize_from_data(model, dataset)
    torch.testing.assert_close(model.seen[:, 0, 0, 0], torch.tensor([0.0, 2, 5, 7, 10, 12]))


def test_other_models_are_left_alone() -> None:
    model = nn.Linear(2, 2)
    before = model.weight.clone()
    initialize_from_data(model, pictures())
    assert torch.equal(model.weight, before)


def test_a_model_that_normalises_sees_the_same() -> None:
    dataset = pictures()
    plain, normalising = (cifarzoo.create("speednet", num_classes=2, seed=0) for _ in range(2))
    normalising.normalize = cifarzoo.layers.normalize.Normalize(dataset.mean, dataset.std)
    initialize_from_data(plain, dataset)
    initialize_from_data(normalising, dataset)
    torch.testing.assert_close(normalising.stem.conv.weight, plain.stem.conv.weight, atol=1e-3, rtol=1e-3)


def test_the_trainer_shows_them_before_the_first_step() -> None:
    dataset = pictures()
    model = cifarzoo.create("speednet", num_classes=2, seed=0)
    fitted = cifarzoo.create("speednet", num_classes=2, seed=0)
    initialize_from_data(fitted, dataset)
    Trainer(model, Recipe(epochs=1, batch_size=20, augment="none"), progress=False).fit(dataset)
    assert torch.equal(model.stem.conv.weight, fitted.stem.conv.weight)


@pytest.mark.parametrize("average", ["ema", "lookahead", "tail"])
def test_averages_begin_with_what_was_computed(average: str) -> None:
    dataset, recipe = pictures(), Recipe(epochs=1, batch_size=20, augment="none", average=average, average_every=1)
    model, fitted = (cifarzoo.create("speednet", num_classes=2, seed=0, widths=(8, 8, 8)) for _ in range(2))
    initialize_from_data(fitted, dataset)
    for each in (model, fitted):
        Trainer(each, recipe, progress=False).fit(dataset)
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), fitted.parameters(), strict=True))


@pytest.mark.filterwarnings("ignore:.*began with other weights")
@pytest.mark.parametrize("epochs", [1, 2], ids=["unfinished", "finished"])
def test_nothing_is_computed_for_weights_that_are_there(
    epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(record: object) -> None:
        if epochs == 1:
            raise ZeroDivisionError

    seen: list[object] = []
    initialize = trainer.initialize_from_data
    monkeypatch.setattr(trainer, "initialize_from_data", lambda *given: (seen.append(given), initialize(*given)))
    dataset, recipe = pictures(), Recipe(epochs=2, batch_size=20, augment="none")
    first, second = (cifarzoo.create("speednet", num_classes=2, seed=seed, widths=(8, 8, 8)) for seed in (0, 1))
    try:
        Trainer(first, recipe, output_dir=tmp_path, progress=False, on_epoch=stop).fit(dataset)
    except ZeroDivisionError:
        assert epochs == 1
    Trainer(second, recipe, output_dir=tmp_path, progress=False).fit(dataset)
    assert len(seen) == 1
    assert torch.equal(second.stem.conv.weight, first.stem.conv.weight)
    initialize(second, pictures(side=30))  # another run of the same model leaves the stem alone
    assert torch.equal(second.stem.conv.weight, first.stem.conv.weight)
