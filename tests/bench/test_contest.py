"""Rates are images over seconds, compared within a round."""

import json

import pytest

from cifarzoo.bench import contest
from cifarzoo.bench.contest import Rates, beside_neighbours, environment, race, rate


@pytest.fixture
def clock(monkeypatch):
    """A clock that only runs that turn forward."""
    now = [0.0]
    monkeypatch.setattr(contest.time, "perf_counter", lambda: now[0])

    def takes(seconds, images):
        def run():
            now[0] += seconds.pop(0) if isinstance(seconds, list) else seconds
            return images

        return run

    return takes


def test_rate(clock):
    assert rate(clock(2.0, 100)) == 50


def test_race(clock):
    order = []

    def noted(name, run):
        return lambda: order.append(name) or run()

    contestants = {"a": noted("a", clock(1.0, 10)), "b": noted("b", clock([9.0, 2.0, 4.0, 5.0], 10))}
    rates = race(contestants, rounds=3)
    assert order == ["a", "b", "b", "a"] * 2  # both ways in turn
    assert rates.of == {"a": [10, 10, 10], "b": [5, 2.5, 2]}  # the first round is none of them
    assert rates.median("b") == 2.5
    assert rates.ratio("a", "b") == 4
    assert list(rates.as_json()) == ["a", "b"]
    assert rates.as_json()["b"] == {"median": 2, "rounds": [5, 2, 2]}


def test_ratios_are_taken_within_a_round():
    """A machine that slows down for a while slows all of them."""
    assert Rates({"a": [10, 1, 40], "b": [5, 0.5, 20]}).ratio("a", "b") == 2


def test_beside_neighbours(clock, monkeypatch):
    with contest._neighbours():
        pass  # real processes begin, and end with the block
    assert beside_neighbours(clock([1.0, 2.0, 1.0, 4.0, 1.0, 3.0], 10), rounds=3) == pytest.approx(1 / 3)


def test_environment_is_json():
    record = environment("Pillow")
    assert json.loads(json.dumps(record)) == record
    assert {"torch", "Pillow", "python"} <= record["versions"].keys()
    assert record["cores"] >= 1
