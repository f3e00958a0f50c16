from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from cifarzoo.training import environment
from cifarzoo.training.environment import (
    describe_environment,
    describe_model,
    describe_start,
    hardware_name,
    hash_weights,
)
from cifarzoo.weights import Card


def test_says_what_a_run_depends_on_in_json(make_set: Callable[..., Any], make_net: Callable[..., nn.Module]) -> None:
    device = torch.device("cpu")
    found = describe_environment(
        make_net(), device=device, precision="fp32", world_size=2, seed=7, data={"train": make_set(8), "test": None}
    )
    assert json.loads(json.dumps(found)) == found
    assert found["versions"]["torch"] == torch.__version__.split("+")[0]
    assert (found["world_size"], found["seed"]) == (2, 7)
    assert found["threads"] == torch.get_num_threads()
    assert found["train"] == {
        "name": "toy",
        "split": "train",
        "images": 8,
        "shape": [3, 16, 16],
        "classes": 4,
        "fingerprint": "toy-fingerprint",
        "mean": [0.3] * 3,
        "std": [0.2] * 3,
    }
    assert found["test"] is None
    assert found["model"] == describe_model(make_net())


def test_weights_are_told_apart_by_each_bit(make_net: Callable[..., nn.Module]) -> None:
    assert hash_weights(make_net(0)) == hash_weights(make_net(0).to(memory_format=torch.channels_last))
    assert hash_weights(make_net(0)) != hash_weights(make_net(1))
    model = make_net(0)
    model.norm.num_batches_tracked.add_(1)
    assert hash_weights(model) != hash_weights(make_net(0))


def test_models_are_told_apart_by_shapes_not_by_weights(make_net: Callable[..., nn.Module]) -> None:
    assert describe_model(make_net(0)) == describe_model(make_net(1))
    other = describe_model(make_net(num_classes=5))
    assert other["layout"] != describe_model(make_net())["layout"]
    assert other["params"] == 216 + 16 + 33 * 5


def test_the_processor_has_a_name() -> None:
    assert hardware_name(torch.device("cpu")).strip()


def test_amx_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """It decides the speed, and the names of virtual processors do not tell of it."""
    names = []
    for features in (frozenset(), frozenset({"amx_bf16"})):
        monkeypatch.setattr(environment, "cpu_features", lambda features=features: features)
        names.append(hardware_name(torch.device("cpu")))
    assert names[1] == f"{names[0]} with AMX"


def test_a_start_names_the_weights_that_were_trained_before(make_net: Callable[..., nn.Module]) -> None:
    model = make_net()
    digest = hash_weights(model)
    assert describe_start(model) == {"initial_weights": digest, "begun_from": None}
    model.card = Card(arch="x", num_classes=4, sha256="ab")
    assert describe_start(model) == {"initial_weights": digest, "begun_from": "ab"}
    model.card = model.card.with_new_head(2)  # of the same body
    assert describe_start(model)["begun_from"] == "ab"
    model.card = Card(arch="x", num_classes=4)  # trained, and never written to a file
    assert describe_start(model)["begun_from"] == digest
