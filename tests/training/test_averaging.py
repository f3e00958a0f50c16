from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from cifarzoo.recipes import Recipe
from cifarzoo.training.averaging import Average

TOTAL = 20


class Walk:
    """A model whose weights take known values at each step."""

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self.model, self.average = model, Average(model, recipe)
        self.path = [model.head.weight.detach().clone()]

    def step(self, number: int) -> None:
        with torch.no_grad():
            self.model.head.weight.add_(torch.randn(4, 32, generator=torch.Generator().manual_seed(number)))
        self.path.append(self.model.head.weight.detach().clone())
        self.average.update(number, number / TOTAL)

    def averaged(self, number: int) -> Tensor:
        with self.average.applied():
            return self.model.head.weight.detach().clone()


@pytest.mark.parametrize("every", [1, 3])
def test_ema_is_its_closed_form(every: int, make_net: Callable[..., nn.Module]) -> None:
    decay = 0.9
    walk = Walk(make_net(), Recipe(average="ema", average_every=every, average_decay=decay))
    for number in range(1, TOTAL + 1):
        walk.step(number)
    updates = TOTAL // every
    keep = decay**every
    expected = keep**updates * walk.path[0]
    for update in range(1, updates + 1):
        expected = expected + (1 - keep) * keep ** (updates - update) * walk.path[update * every]
    torch.testing.assert_close(walk.averaged(TOTAL), expected)


@pytest.mark.parametrize("start, every", [(0.0, 1), (0.5, 1), (0.5, 3)])
def test_tail_is_the_mean_of_the_last_part(start: float, every: int, make_net: Callable[..., nn.Module]) -> None:
    walk = Walk(make_net(), Recipe(average="tail", average_every=every, average_start=start))
    taken = [number for number in range(every, TOTAL + 1, every) if number > start * TOTAL]
    for number in range(1, TOTAL + 1):
        walk.step(number)
        if number < taken[0]:
            assert torch.equal(walk.averaged(number), walk.path[number]), "there is no average yet"
    assert walk.average.updates == len(taken)
    torch.testing.assert_close(walk.averaged(TOTAL), torch.stack([walk.path[number] for number in taken]).mean(0))


def test_a_late_ema_begins_with_the_weights_it_meets(make_net: Callable[..., nn.Module]) -> None:
    walk = Walk(make_net(), Recipe(average="ema", average_every=2, average_start=0.5, average_decay=0.5))
    for number in range(1, 15):
        walk.step(number)
    torch.testing.assert_close(walk.averaged(14), 0.25 * walk.path[12] + 0.75 * walk.path[14])


def test_a_late_lookahead_begins_with_the_weights_it_meets(make_net: Callable[..., nn.Module]) -> None:
    walk = Walk(make_net(), Recipe(average="lookahead", average_every=2, average_start=0.5))
    for number in range(1, 13):  # 12 is the first of those above TOTAL / 2 that are due
        walk.step(number)
    assert walk.average.updates == 1
    assert torch.equal(walk.model.head.weight, walk.path[12])


def test_lookahead_sets_the_weights_back_ever_more(make_net: Callable[..., nn.Module]) -> None:
    walk = Walk(make_net(), Recipe(average="lookahead", average_every=5, average_decay=0.95))
    slow = walk.path[0]
    for number in range(1, TOTAL + 1):
        walk.step(number)
        if number % 5:
            assert torch.equal(walk.model.head.weight, walk.path[number])
        else:
            keep = 0.95**5 * (number / TOTAL) ** 3
            slow = keep * slow + (1 - keep) * walk.path[number]
            torch.testing.assert_close(walk.model.head.weight.detach(), slow)
            assert torch.equal(walk.averaged(number), walk.model.head.weight)


def test_applied_gives_the_weights_back_and_finish_does_not(make_net: Callable[..., nn.Module]) -> None:
    walk = Walk(make_net(), Recipe(average="ema", average_every=1))
    for number in range(1, 4):
        walk.step(number)
    averaged = walk.averaged(3)
    assert torch.equal(walk.model.head.weight, walk.path[3])
    assert torch.equal(walk.averaged(3), averaged)
    with pytest.raises(ZeroDivisionError), walk.average.applied():
        raise ZeroDivisionError
    assert torch.equal(walk.model.head.weight, walk.path[3])
    for _ in range(2):
        walk.average.finish()
        assert torch.equal(walk.model.head.weight, averaged)


def test_statistics_of_norms_are_averaged_and_counts_are_not(make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    average = Average(model, Recipe(average="ema", average_every=1, average_decay=0.5))
    model.norm.running_mean.fill_(1.0)
    model.norm.num_batches_tracked.fill_(7)
    average.update(1, 0.1)
    with average.applied():
        torch.testing.assert_close(model.norm.running_mean, torch.full((8,), 0.5))
        assert model.norm.num_batches_tracked == 7


def test_shared_weights_are_averaged_once(make_net: Callable[..., nn.Module]) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[1].weight = model[0].weight
    average = Average(model, Recipe(average="ema", average_every=1))
    assert len(average.shadow) == 3
    before = model[0].weight.detach().clone()
    average.update(1, 0.1)
    with average.applied():
        pass
    assert torch.equal(model[0].weight, before)


def test_without_an_average_nothing_happens(make_net: Callable[..., nn.Module]) -> None:
    walk = Walk(make_net(), Recipe())
    walk.step(1)
    walk.average.finish()
    assert walk.average.shadow == []
    assert torch.equal(walk.averaged(1), walk.path[1])
    assert torch.equal(walk.model.head.weight, walk.path[1])


@pytest.mark.parametrize("average", ["ema", "lookahead", "tail", "none"])
def test_begins_with_weights_that_came_later(average: str, make_net: Callable[..., nn.Module]) -> None:
    model = make_net(0)
    taken = Average(model, Recipe(average=average))
    model.load_state_dict(make_net(1).state_dict())
    taken.begin()
    fresh = Average(model, Recipe(average=average))
    assert len(taken.shadow) == len(fresh.shadow)
    assert all(torch.equal(one, other) for one, other in zip(taken.shadow, fresh.shadow, strict=True))
