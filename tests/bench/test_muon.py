"""All contestants make the same step, but for roundings and each one's scale."""

from __future__ import annotations

import json

import pytest
import torch

from cifarzoo.bench import muon
from cifarzoo.bench.muon import bench_muon
from cifarzoo.errors import SettingError, UnknownModelError


def test_directions_agree() -> None:
    """Momentum begins at zero, so that a first step goes along the orthogonalised gradient."""
    weight = torch.zeros(6, 4, 3, 3)
    weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    moved = {}
    for name, make in muon.CONTESTANTS.items():
        optimizer = make([weight])
        muon._turn(optimizer, 1)()
        (parameter,) = optimizer.param_groups[0]["params"]
        moved[name] = torch.nn.functional.normalize(parameter.detach().flatten(), dim=0)
    for name, direction in moved.items():
        assert torch.dot(direction, moved["cifarzoo"]) == pytest.approx(1, abs=2e-3), name


def test_record() -> None:
    said: list[str] = []
    record = bench_muon(models=("speednet",), rounds=1, steps=1, say=said.append)
    assert json.loads(json.dumps(record)) == record
    (contest,) = record["contests"]
    assert set(contest["ms_a_step"]) == set(muon.CONTESTANTS)
    assert set(contest["our_time_in_units_of"]) == set(muon.CONTESTANTS) - {"cifarzoo"}
    assert len(said) == 1


def test_mistakes() -> None:
    with pytest.raises(SettingError, match="rounds"):
        bench_muon(rounds=0)
    with pytest.raises(UnknownModelError):
        bench_muon(models=("nothing",))
