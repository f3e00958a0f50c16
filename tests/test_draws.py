"""The draws' laws: the right bits, the right distributions, nothing in common between any two of them.

The seeds are fixed, so a statistic has one value; the limits are those that a true random source would pass with a
probability of 0.9999.
"""

import hashlib
import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.draws import Draws, permutation

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU"))]
SIGMAS = 3.9  # two-sided 0.0001
MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
seeds = st.integers(-(2**63), 2**63 - 1)


def splitmix(state):
    """The published generator, written once more with Python's whole numbers."""
    while True:
        state = (state + GOLDEN) & MASK
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def chi_square_sigmas(counts, expected):
    """How far Pearson's statistic is from its mean, in its standard deviations."""
    expected = torch.as_tensor(expected, dtype=torch.float64).expand_as(counts)
    return ((counts - expected) ** 2 / expected).sum().sub(counts.numel() - 1) / math.sqrt(2 * (counts.numel() - 1))


def assert_uniform(values, cells):
    """Whole numbers 0 ... cells - 1, each equally often; too equally often is a fault too."""
    counts = torch.bincount(values.flatten(), minlength=cells).double()
    assert len(counts) == cells
    assert abs(chi_square_sigmas(counts, values.numel() / cells)) < SIGMAS


def assert_uncorrelated(first, second):
    """Two samples of numbers in [0, 1)."""
    joint = torch.stack([first.flatten(), second.flatten()]).double()
    assert abs(torch.corrcoef(joint)[0, 1]) < SIGMAS / math.sqrt(joint.shape[1])
    cells = (joint * 16).long()
    assert_uniform(cells[0] * 16 + cells[1], 256)


@pytest.fixture(scope="module")
def many():
    return Draws(0, 0, torch.arange(20_000))


def oracle(seed, epoch, index, slot, n):
    """The bits of one image, by the definition and without torch."""

    def mix(bits):
        return next(splitmix(bits - GOLDEN))

    stream = mix(seed + GOLDEN)
    key = mix(index * GOLDEN + mix(stream + (epoch + 1) * GOLDEN))
    name = int.from_bytes(hashlib.blake2b(slot.encode(), digest_size=8).digest(), "little")
    return list(itertools.islice(splitmix(mix(key ^ name)), n))


@given(seeds, st.integers(0, 10**6), st.integers(0, 2**40), st.text(max_size=5))
def test_bits_are_splitmix(seed, epoch, index, slot):
    bits = Draws(seed, epoch, torch.tensor([index])).bits(slot, 4)
    assert [value & MASK for value in bits[0].tolist()] == oracle(seed, epoch, index, slot, 4)


def test_oracle_is_the_published_generator():
    assert next(splitmix(0)) == 0xE220A8397B1DCDAF
    assert next(splitmix(1234567)) == 6457827717110365317


def test_bits_never_change():
    """Frozen: other values would change every seeded run of every user."""
    assert Draws(1, 2, torch.tensor([49_999])).bits("flip", 2).tolist() == [
        [-5704392853239301666, -6717736035738690346]
    ]
    assert permutation(1, 2, 10).tolist() == [7, 2, 8, 3, 6, 4, 5, 0, 1, 9]


@pytest.mark.parametrize("device", DEVICES)
def test_devices_agree(device):
    indices = torch.arange(100)
    here, there = Draws(9, 4, indices), Draws(9, 4, indices.to(device))
    assert there.device.type == device
    assert torch.equal(here.bits("a", 3), there.bits("a", 3).cpu())
    assert torch.equal(here.uniform("a", 3), there.uniform("a", 3).cpu())
    assert torch.equal(here.permutations("a", 6), there.permutations("a", 6).cpu())


@given(seeds, st.integers(0, 10**6), st.lists(st.integers(0, 10**7), min_size=1, max_size=8), st.data())
def test_batching_makes_no_difference(seed, epoch, indices, data):
    indices = torch.tensor(indices)
    whole = Draws(seed, epoch, indices)
    rows = torch.tensor(data.draw(st.lists(st.integers(0, len(indices) - 1), min_size=1)))
    for part in (whole[rows], Draws(seed, epoch, indices[rows])):
        assert len(part) == len(rows)
        assert part.epoch == epoch
        assert torch.equal(part.bits("a", 3), whole.bits("a", 3)[rows])
        assert torch.equal(part.fork("b").normal("c"), whole.fork("b").normal("c")[rows])
        assert torch.equal(part.lasting().uniform("c"), whole.lasting().uniform("c")[rows])


def test_lasting_draws_ignore_the_epoch_alone():
    indices = torch.arange(50)
    first, later = Draws(1, 0, indices), Draws(1, 7, indices)
    assert torch.equal(first.lasting().bits("a"), later.lasting().bits("a"))
    assert torch.equal(first.fork("x").lasting().bits("a"), later.fork("x").lasting().bits("a"))
    assert torch.equal(first.lasting().fork("x").bits("a"), first.fork("x").lasting().bits("a"))
    assert not (first.lasting().bits("a") == Draws(2, 0, indices).lasting().bits("a")).any()
    assert not (first.bits("a") == later.bits("a")).any()
    assert not (first.bits("a") == first.lasting().bits("a")).any()


def test_more_draws_begin_like_fewer(many):
    assert torch.equal(many.bits("a", 5)[:, :2], many.bits("a", 2))


@pytest.mark.parametrize("what", ["seed", "epoch", "index"])
def test_avalanche(what):
    """One flipped bit of an input flips each bit of the output with a probability of one half."""
    trials, places = 2_000, 16
    values = torch.arange(trials)
    counts = torch.zeros(64)
    for place in range(places):
        flipped = values ^ (1 << place)
        if what == "index":
            before, after = (Draws(3, 1, x).bits("a")[:, 0] for x in (values, flipped))
        else:
            pairs = [
                [
                    Draws(**{"seed": 3, "epoch": 1, what: int(x), "indices": torch.tensor([8])}).bits("a")[0, 0]
                    for x in xs
                ]
                for xs in (values[:200], flipped[:200])
            ]
            before, after = (torch.stack(pair) for pair in pairs)
        counts += ((before ^ after)[:, None] >> torch.arange(64) & 1).sum(0)
    total = places * len(before)
    assert ((counts / total - 0.5).abs() < SIGMAS * 0.5 / math.sqrt(total)).all()


@pytest.mark.parametrize("byte", range(8))
def test_bytes_are_uniform(many, byte):
    assert_uniform(many.bits("a", 4) >> (8 * byte) & 255, 256)


def test_no_two_draws_are_equal(many):
    forks = [many, many.fork("a"), many.fork("b"), many.fork(0), many.lasting(), Draws(0, 1, torch.arange(20_000))]
    bits = torch.cat([fork.bits(slot, 2).flatten() for fork in forks for slot in ("a", "b", "fork:a")])
    assert len(bits.unique()) == len(bits)


@pytest.mark.parametrize(
    "other",
    {
        "slot": lambda draws: draws.uniform("b"),
        "fork": lambda draws: draws.fork("a").uniform("a"),
        "fork of a fork": lambda draws: draws.fork("a").fork("a").uniform("a"),
        "epoch": lambda draws: Draws(0, 1, torch.arange(len(draws))).uniform("a"),
        "seed": lambda draws: Draws(1, 0, torch.arange(len(draws))).uniform("a"),
        "neighbour": lambda draws: draws.uniform("a").roll(1, 0),
        "next of its own": lambda draws: draws.uniform("a", 2)[:, 1],
        "lasting": lambda draws: draws.lasting().uniform("a"),
    }.items(),
    ids=lambda item: item[0],
)
def test_streams_are_independent(many, other):
    assert_uncorrelated(many.uniform("a"), other[1](many))


def test_forks_do_not_commute(many):
    first, second = many.fork("a").fork("b").bits("x"), many.fork("b").fork("a").bits("x")
    assert not (first == second).any()


def test_uniform(many):
    unit = many.uniform("a", 3)
    assert unit.shape == (20_000, 3)
    assert unit.dtype == torch.float64
    assert 0 <= unit.min() < 1e-3
    assert 1 - 1e-3 < unit.max() < 1
    assert_uniform((unit * 1000).long(), 1000)
    assert torch.equal(many.uniform("a", 3, low=-2.0, high=6.0), -2.0 + 8.0 * unit)


def test_integers(many):
    dice = many.integers("a", 1, 7, 3)
    assert dice.shape == (20_000, 3)
    assert dice.dtype == torch.int64
    assert_uniform(dice - 1, 6)
    low = torch.arange(20_000)[:, None] % 3  # (B, 1)
    values = many.integers("a", low, low + 5, 3)
    assert_uniform(values - low, 5)
    assert (many.integers("a", 4, 5) == 4).all()


def test_normal(many):
    sample = many.normal("a", 3).flatten()
    assert sample.isfinite().all()
    assert sample.dtype == torch.float64
    # Its own distribution function makes a normal sample uniform: Kolmogorov's distance, 0.9999 quantile 2.23.
    unit = torch.special.ndtr(sample).sort().values
    steps = torch.arange(len(unit) + 1) / len(unit)
    assert max((unit - steps[:-1]).abs().max(), (unit - steps[1:]).abs().max()) * math.sqrt(len(unit)) < 2.23
    assert_uncorrelated(*torch.special.ndtr(many.normal("a", 2)).T)


def test_permutations(many):
    orders = many.permutations("a", 4)
    assert torch.equal(orders.sort(dim=1).values, torch.arange(4).expand(20_000, 4))
    codes = (orders * torch.tensor([64, 16, 4, 1])).sum(1)
    legal = torch.tensor([sum(x * 4 ** (3 - i) for i, x in enumerate(p)) for p in itertools.permutations(range(4))])
    assert_uniform(torch.searchsorted(legal, codes), 24)


def test_from_generator():
    one, same, other = (
        Draws.from_generator(6, generator=torch.Generator().manual_seed(seed)).bits("a") for seed in (1, 1, 2)
    )
    assert torch.equal(one, same)
    assert not (one == other).any()
    torch.manual_seed(3)
    first, second = Draws.from_generator(6).bits("a"), Draws.from_generator(6).bits("a")
    torch.manual_seed(3)
    assert torch.equal(Draws.from_generator(6).bits("a"), first)
    assert not (first == second).any()


@given(seeds, st.integers(0, 1000), st.integers(0, 300))
def test_permutation_holds_each_image_once(seed, epoch, count):
    assert torch.equal(permutation(seed, epoch, count).sort().values, torch.arange(count))


def test_permutation_is_uniform():
    orders = torch.stack([permutation(seed, epoch, 12) for seed in range(60) for epoch in range(60)])  # (3600, 12)
    for place in range(12):
        assert_uniform(orders[:, place], 12)
    followers = (orders[:, 1:] - orders[:, :-1]) % 12 - 1  # which image comes after which
    counts = torch.bincount(followers.flatten(), minlength=11).double()
    assert abs(chi_square_sigmas(counts, followers.numel() / 11)) < SIGMAS


def test_orders_of_epochs_have_nothing_in_common():
    first, second = permutation(0, 0, 5_000), permutation(0, 1, 5_000)
    assert_uncorrelated(first / 5_000, second / 5_000)
