from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from cifarzoo.errors import SettingError
from cifarzoo.layers.normalize import Normalize
from cifarzoo.training import Prediction, predict
from cifarzoo.weights import Card


class ByColour(nn.Module):
    """Logits are the mean of each channel: what is reddest is class 0."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []
        self.card = Card(
            arch="x", num_classes=3, classes=["red", "green", "blue"], input_size=8, mean=[0.5, 0.4, 0.3], std=[0.2] * 3
        )

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x)
        return x.mean((2, 3))


def flat(red: int, green: int, blue: int, *, height: int = 8, width: int = 8) -> Tensor:
    return torch.tensor([red, green, blue], dtype=torch.uint8).view(3, 1, 1).expand(3, height, width)


def test_names_the_likeliest_first() -> None:
    red, blue = predict(ByColour(), torch.stack([flat(255, 90, 0), flat(0, 90, 255)]), top=2)
    assert (red.classes, red.indices) == (("red", "green"), (0, 1))
    assert (blue.classes, blue.indices) == (("blue", "green"), (2, 1))
    assert 1 >= red.probabilities[0] > red.probabilities[1] >= 0


def test_top_beyond_the_classes_gives_them_all_and_shares_sum_to_one() -> None:
    (found,) = predict(ByColour(), flat(1, 2, 3), top=50)
    assert isinstance(found, Prediction)
    assert len(found.classes) == 3
    assert sum(found.probabilities) == pytest.approx(1.0)


def test_takes_mean_and_std_from_the_card() -> None:
    model = ByColour()
    predict(model, flat(255, 51, 0))
    expected = torch.tensor([(1 - 0.5) / 0.2, (0.2 - 0.4) / 0.2, -0.3 / 0.2])
    torch.testing.assert_close(model.seen[0].mean((0, 2, 3)), expected)


def test_a_model_that_normalises_gets_plain_pixels() -> None:
    model = ByColour()
    model.normalize = Normalize([0.5] * 3, [0.2] * 3)
    predict(model, flat(255, 51, 0))
    torch.testing.assert_close(model.seen[0].mean((0, 2, 3)), torch.tensor([1.0, 0.2, 0.0]))


def test_pictures_of_any_size_are_resized() -> None:
    model = ByColour()
    predict(model, flat(1, 2, 3, height=300, width=20))
    assert model.seen[0].shape == (1, 3, 8, 8)


def test_after_training_the_model_predicts_what_it_was_taught(
    make_set: Callable[..., Any], make_net: Callable[..., nn.Module]
) -> None:
    from cifarzoo.recipes import Recipe
    from cifarzoo.training import Trainer

    model, dataset = make_net(), make_set(64)
    Trainer(model, Recipe(epochs=8, batch_size=16, augment="none"), progress=False).fit(dataset)
    found = [prediction.classes[0] for prediction in predict(model, dataset.images[:8], top=1)]
    assert found == ["ant", "bee", "cat", "dog"] * 2


@pytest.mark.parametrize(
    "images",
    [torch.zeros(3, 8, 8), torch.zeros(8, 8, dtype=torch.uint8), torch.zeros(1, 1, 3, 8, 8, dtype=torch.uint8)],
)
def test_other_inputs_are_refused(images: Tensor) -> None:
    with pytest.raises(SettingError, match="uint8"):
        predict(ByColour(), images)


def test_what_is_missing_is_said() -> None:
    with pytest.raises(SettingError, match="top"):
        predict(ByColour(), flat(1, 2, 3), top=0)
    with pytest.raises(SettingError, match=r"no card.*cifarzoo\.load"):
        predict(nn.Linear(1, 1), flat(1, 2, 3))


def test_features_are_no_classes() -> None:
    model = ByColour()
    model.num_classes = 0
    with pytest.raises(SettingError, match="features only"):
        predict(model, flat(1, 2, 3))
