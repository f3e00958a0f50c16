from __future__ import annotations

import torch

from cifarzoo.training.seeding import contained, seed_step, step_draws


def drawn(seed: int, step: int, rank: int = 0) -> float:
    seed_step(seed, step, rank=rank)
    return torch.rand(()).item()


def test_a_pure_function_of_seed_step_and_rank() -> None:
    with contained(torch.device("cpu")):
        values = {(s, t, r): drawn(s, t, r) for s in range(3) for t in range(3) for r in range(2)}
        assert len(set(values.values())) == len(values)
        assert all(drawn(*key) == value for key, value in reversed(values.items()))


def test_the_global_state_comes_back() -> None:
    before = torch.get_rng_state()
    with contained(torch.device("cpu")):
        seed_step(1, 2)
        torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_step_draws_the_same_for_any_number_of_processes() -> None:
    images = torch.zeros(6, 3, 2, 2)
    whole = step_draws(1, 2, images, rank=0).uniform("slot")
    shares = [step_draws(1, 2, images[:2], rank=rank).uniform("slot") for rank in range(3)]
    assert torch.equal(torch.cat(shares), whole)
    assert len(whole.unique()) == 6
    assert not torch.equal(step_draws(1, 3, images, rank=0).uniform("slot"), whole)
