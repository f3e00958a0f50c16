from __future__ import annotations

import torch

from cifarzoo.training.seeding import contained, seed_step


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
