"""Threads for the processors that may be used."""

from __future__ import annotations

import os

import pytest

from cifarzoo.data.cores import usable_cores


@pytest.mark.parametrize(("given", "wanted"), [({0}, 1), ({3, 5}, 2), (set(range(64)), 8)])
def test_what_the_system_gives(monkeypatch: pytest.MonkeyPatch, given: set[int], wanted: int) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: given, raising=False)
    assert usable_cores() == wanted


@pytest.mark.parametrize(("count", "wanted"), [(4, 4), (None, 1), (100, 8)])
def test_systems_that_do_not_tell(monkeypatch: pytest.MonkeyPatch, count: int | None, wanted: int) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert usable_cores() == wanted
