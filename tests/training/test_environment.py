from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch

from cifarzoo.training.environment import describe_environment, hardware_name


def test_says_what_a_run_depends_on_in_json(make_set: Callable[..., Any]) -> None:
    found = describe_environment(device=torch.device("cpu"), precision="fp32", train=make_set(8), test=None)
    assert json.loads(json.dumps(found)) == found
    assert found["versions"]["torch"] == torch.__version__.split("+")[0]
    assert found["threads"] == torch.get_num_threads()
    assert found["train"] == {
        "name": "toy",
        "split": "train",
        "images": 8,
        "shape": [3, 16, 16],
        "classes": 4,
        "fingerprint": "toy-fingerprint",
    }
    assert found["test"] is None


def test_the_processor_has_a_name() -> None:
    assert hardware_name(torch.device("cpu")).strip()
