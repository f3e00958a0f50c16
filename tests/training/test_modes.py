from __future__ import annotations

import pytest
from torch import nn

from cifarzoo.training.modes import evaluating


def test_each_module_is_as_it_was() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.BatchNorm2d(4), nn.Dropout()))
    model.train()
    model[1][0].eval()  # a frozen norm
    before = [module.training for module in model.modules()]
    with pytest.raises(ZeroDivisionError), evaluating(model):
        assert not any(module.training for module in model.modules())
        raise ZeroDivisionError
    assert [module.training for module in model.modules()] == before == [True, True, True, False, True]
