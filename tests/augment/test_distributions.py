"""Beta and Dirichlet draws follow their distributions."""

from __future__ import annotations

import pytest
import torch
from scipy import stats

from cifarzoo.augment.distributions import beta, dirichlet
from cifarzoo.draws import Draws

MANY = Draws(seed=5, epoch=3, indices=torch.arange(20_000))


@pytest.mark.parametrize("alpha", [0.2, 0.5, 1.0, 2.0, 30.0])
def test_beta(alpha: float) -> None:
    shares = beta(MANY, "share", alpha)
    assert shares.dtype == torch.float64 and ((shares >= 0) & (shares <= 1)).all()
    assert stats.kstest(shares.numpy(), stats.beta(alpha, alpha).cdf).pvalue > 1e-4


@pytest.mark.parametrize("alpha", [0.3, 1.0, 4.0])
def test_dirichlet(alpha: float) -> None:
    shares = dirichlet(MANY, "share", alpha, 3)
    torch.testing.assert_close(shares.sum(1), torch.ones(len(MANY), dtype=torch.float64))
    for share in shares.unbind(1):
        assert stats.kstest(share.numpy(), stats.beta(alpha, 2 * alpha).cdf).pvalue > 1e-4


def test_slots_are_independent() -> None:
    assert abs(torch.corrcoef(torch.stack((beta(MANY, "a", 1.0), beta(MANY, "b", 1.0))))[0, 1]) < 0.03
