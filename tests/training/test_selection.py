from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from cifarzoo.training.selection import Selection


def test_the_best_weights_come_back(make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    selection = Selection(model, enabled=True)
    seen = []
    for epoch, top1 in enumerate((10.0, 30.0, 20.0, 30.0), start=1):
        with torch.no_grad():
            model.head.weight.add_(1.0)
            model.norm.num_batches_tracked.add_(1)
        seen.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        selection.offer(top1, epoch=epoch)
    assert (selection.top1, selection.epoch) == (30.0, 2)
    for _ in range(2):
        selection.finish()
        assert all(torch.equal(seen[1][name], tensor) for name, tensor in model.state_dict().items())


def test_without_a_held_out_set_nothing_is_kept(make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    before = model.head.weight.clone()
    selection = Selection(model, enabled=False)
    selection.finish()
    assert selection.kept == []
    assert torch.equal(model.head.weight, before)
