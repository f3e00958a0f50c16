"""The loader's laws: what is in a batch, in which order, for whom, and from where it goes on."""

import itertools
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from cifarzoo.data.loader import Loader
from cifarzoo.draws import Draws, permutation
from cifarzoo.errors import ResumeError, SettingError
from cifarzoo.normalizer import Normalizer


def make_set(count, *, channels=3, size=4, classes=5):
    """Images whose first pixel says which one it is; targets likewise."""
    generator = torch.Generator().manual_seed(count)
    images = torch.randint(256, (count, channels, size, size), dtype=torch.uint8, generator=generator)
    targets = torch.arange(count)
    mean = [0.3 + 0.1 * c for c in range(channels)]
    std = [0.2 + 0.05 * c for c in range(channels)]
    names = [str(k) for k in range(classes)]
    return SimpleNamespace(images=images, targets=targets, classes=names, mean=mean, std=std)


@dataclass(frozen=True)
class Shade:
    """Adds a random number to each image; mixes each with its neighbour if asked to."""

    mixes: bool = False

    def __call__(self, images: Tensor, *, draws: Draws | None = None) -> Tensor:
        return images + draws.integers("shade", 0, 50)[:, :, None, None].to(torch.uint8)

    def mix(self, images, targets, *, num_classes, draws=None):
        keep = draws.uniform("keep").float()  # (B, 1)
        soft = torch.nn.functional.one_hot(targets % num_classes, num_classes).float()  # (B, K)
        mixed = images * keep[:, :, None, None] + images.roll(1, 0) * (1 - keep[:, :, None, None])
        return mixed, soft * keep + soft.roll(1, 0) * (1 - keep)


def seen(loader):
    """The targets of one pass, batch by batch."""
    return [targets.tolist() for _, targets in loader]


def assert_same(batches, others):
    assert len(batches) == len(others)
    for (images, targets), (other_images, other_targets) in zip(batches, others, strict=True):
        assert torch.equal(images, other_images)
        assert torch.equal(targets, other_targets)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_normalised(dtype, layout, channels):
    data = make_set(11, channels=channels)
    loader = Loader(data, 4, shuffle=False, drop_last=False, dtype=dtype, memory_format=layout)
    mean, std = (torch.tensor(x, dtype=torch.float64).view(1, -1, 1, 1) for x in (data.mean, data.std))
    batches = list(loader)
    assert [len(images) for images, _ in batches] == [4, 4, 3]
    for images, targets in batches:
        exact = (data.images[targets].double() / 255 - mean) / std
        assert images.dtype == dtype
        assert images.is_contiguous(memory_format=layout)
        close = 1e-5 if dtype in (torch.float32, torch.float64) else 2 * torch.finfo(dtype).eps
        torch.testing.assert_close(images.double(), exact, rtol=close, atol=close)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(1, 5), st.integers(0, 3), st.booleans())
def test_ranks_share_an_epoch(count, batch_size, world_size, epoch, shuffle):
    data = make_set(count, size=1)

    def ranks(**how):
        for rank in range(world_size):
            loader = Loader(data, batch_size, seed=7, shuffle=shuffle, rank=rank, world_size=world_size, **how)
            loader.set_epoch(epoch)
            batches = seen(loader)
            assert len(batches) == len(loader)
            yield batches

    order = permutation(7, epoch, count).tolist() if shuffle else list(range(count))
    whole = list(ranks(drop_last=False))
    assert sorted(i for batches in whole for batch in batches for i in batch) == list(range(count))
    assert max(map(len, whole)) - min(map(len, whole)) <= 1
    global_batch = batch_size * world_size
    if count < global_batch:
        with pytest.raises(SettingError, match="drop_last=False"):
            next(ranks(drop_last=True))
        return
    full = list(ranks(drop_last=True))
    assert {len(batches) for batches in full} == {count // global_batch}
    for step, parts in enumerate(zip(*full, strict=True)):
        assert all(len(part) == batch_size for part in parts)
        assert list(itertools.chain(*parts)) == order[step * global_batch : (step + 1) * global_batch]


def test_order_and_draws_are_those_of_the_image():
    data = make_set(23)
    one, other = (Loader(data, size, augment=Shade(), drop_last=False, seed=3) for size in (23, 4))
    for loader in (one, other):
        loader.set_epoch(5)
    (images, targets), parts = next(iter(one)), list(other)
    assert torch.equal(images, torch.cat([part for part, _ in parts]))
    assert torch.equal(targets, torch.cat([part for _, part in parts]))
    assert torch.equal(targets, permutation(3, 5, 23))
    shade = Draws(3, 5, targets).integers("shade", 0, 50)[:, :, None, None].to(torch.uint8)
    plain = Loader(SimpleNamespace(**{**vars(data), "images": data.images[targets] + shade}), 23, shuffle=False)
    assert torch.equal(images, next(iter(plain))[0])


def test_epochs_differ_and_come_back():
    loader = Loader(make_set(30), 5, augment=Shade())
    first, second = list(loader), list(loader)
    assert loader.epoch == 2
    assert not torch.equal(first[0][0], second[0][0])
    loader.set_epoch(0)
    assert_same(list(loader), first)
    next(iter(loader))  # a pass that is broken off does not count
    assert_same(list(loader), second)


def test_mixing_gives_soft_targets():
    loader = Loader(make_set(12, classes=5), 4, augment=Shade(mixes=True), dtype=torch.bfloat16)
    for images, targets in loader:
        assert images.dtype == torch.bfloat16
        assert targets.shape == (4, 5)
        assert targets.dtype == torch.float32
        torch.testing.assert_close(targets.sum(1), torch.ones(4))


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 9), st.booleans(), st.integers(0, 12))
def test_resume_goes_on_bit_for_bit(batch_size, drop_last, stop):
    data, how = make_set(29), {"augment": Shade(), "drop_last": drop_last, "seed": 2}
    whole = Loader(data, batch_size, **how)
    whole.set_epoch(4)
    batches = [*whole, *whole]
    cut = Loader(data, batch_size, **how)
    cut.set_epoch(4)
    head = list(itertools.islice(cut, stop))
    resumed = Loader(data, batch_size, augment=Shade(), drop_last=drop_last, seed=999)
    resumed.load_state_dict(cut.state_dict())
    assert resumed.state_dict() == cut.state_dict()
    resumed.set_epoch(resumed.epoch)  # what a training loop does before each pass
    tail = [*resumed, *resumed]
    assert_same((head + tail)[: len(batches)], batches)


def test_resume_on_other_ranks_loses_no_image():
    data = make_set(50, size=1)
    loader = Loader(data, 8)
    passing = iter(loader)
    head = [next(passing)[1].tolist() for _ in range(2)]
    ranks = [Loader(data, 3, drop_last=False, rank=rank, world_size=3) for rank in range(3)]
    for rank in ranks:
        rank.load_state_dict(loader.state_dict())
    tail = [batch for rank in ranks for batch in seen(rank)]
    assert sorted(itertools.chain(*head, *tail)) == list(range(50))


def test_mistakes_are_named():
    data = make_set(10)
    with pytest.raises(SettingError, match=r"batch_size \(=0\)"):
        Loader(data, 0)
    with pytest.raises(SettingError, match=r"rank \(=2\) must be in 0 \.\.\. 1"):
        Loader(data, 1, rank=2, world_size=2)
    with pytest.raises(SettingError, match=r"must not exceed the 10 images"):
        Loader(data, 6, world_size=2)
    with pytest.raises(ResumeError, match="11 images, this one has 10"):
        Loader(data, 2).load_state_dict(Loader(make_set(11), 2).state_dict())


@pytest.mark.parametrize("augment", [None, Shade()])
def test_a_batch_that_is_held_is_never_overwritten(augment):
    loader = Loader(make_set(64), 4, augment=augment)
    held, copies, views = [], [], []
    for _ in range(2):
        for images, targets in loader:
            held.append((images, targets))
            copies.append((images.clone(), targets.clone()))
            views.append(images[0])
    assert_same(held, copies)
    del held
    list(loader)
    assert all(torch.equal(view, images[0]) for view, (images, _) in zip(views, copies, strict=True))


def test_a_pass_uses_the_memory_of_two_batches():
    loader = Loader(make_set(400), 4)
    loader._maker._buffers._patience_s = 60
    places = {images.data_ptr() for _ in range(2) for images, _ in loader}
    assert len(places) == 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_epoch_takes_at_most_three_batches_in_float32(monkeypatch, dtype):
    """Memory that is still referred to is not handed out again, thus every piece that is made is counted."""
    loader = Loader(make_set(4000, size=32), 512, dtype=dtype)
    loader._maker._buffers._patience_s = 60  # a third buffer is for callers who keep their batches
    normalize, pixels, sizes = Normalizer.__call__, [], {}

    def recorded(self, images, out):
        pixels.append(images.untyped_storage())
        normalize(self, images, out)

    monkeypatch.setattr(Normalizer, "__call__", recorded)
    for images, _ in loader:
        sizes[images.data_ptr()] = images.nbytes
        del images
    sizes |= {memory.data_ptr(): memory.nbytes() for memory in pixels}
    assert sum(sizes.values()) <= 3 * 512 * 3 * 32 * 32 * 4
    assert len({memory.data_ptr() for memory in pixels}) <= 4 < len(pixels)  # two threads, parts of two sizes


def test_pieces_make_no_difference(monkeypatch):
    batches, plain = (list(Loader(make_set(50), 16, augment=a, drop_last=False)) for a in (Shade(), None))
    for name in ("_PART_BYTES", "_AUGMENTED_BYTES"):
        monkeypatch.setattr(f"cifarzoo.data.batches.{name}", 1)
    monkeypatch.setattr("cifarzoo.normalizer._PIECE_BYTES", 100)
    assert_same(list(Loader(make_set(50), 16, augment=Shade(), drop_last=False)), batches)
    assert_same(list(Loader(make_set(50), 16, drop_last=False)), plain)


def test_an_augmentation_may_change_the_size():
    @dataclass(frozen=True)
    class Enlarge(Shade):
        def __call__(self, images, *, draws=None):
            return images.repeat_interleave(2, dim=3)

    data = make_set(6)
    for images, targets in Loader(data, 3, augment=Enlarge()):
        assert images.shape == (3, 3, 4, 8)
        assert images.is_contiguous(memory_format=torch.channels_last)
        plain = next(iter(Loader(SimpleNamespace(**{**vars(data), "images": data.images[targets]}), 3, shuffle=False)))[
            0
        ]
        assert torch.equal(images[..., ::2], plain)


def test_an_augmentation_that_fails_or_gives_floats():
    class Broken(Shade):
        def __call__(self, images, *, draws=None):
            raise ZeroDivisionError("in the augmentation")

    class Floats(Shade):
        def __call__(self, images, *, draws=None):
            return images / 255

    with pytest.raises(ZeroDivisionError, match="in the augmentation"):
        list(Loader(make_set(8), 4, augment=Broken()))
    with pytest.raises(SettingError, match="not uint8"):
        list(Loader(make_set(8), 4, augment=Floats()))


def test_the_data_set_is_left_unchanged():
    data = make_set(20)
    before = data.images.clone(), data.targets.clone()
    for images, targets in Loader(data, 4, augment=Shade(mixes=True)):
        images.zero_()
        targets.zero_()
    assert torch.equal(data.images, before[0])
    assert torch.equal(data.targets, before[1])


def test_targets_of_a_batch_are_the_caller_s():
    data = make_set(20)
    for _, targets in Loader(data, 5, shuffle=False):
        targets.fill_(-1)
    assert torch.equal(data.targets, torch.arange(20))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize("fits", [True, False])
def test_a_gpu_gives_the_same_batches(monkeypatch, fits):
    if not fits:
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1, 1))
    how = {"augment": Shade(), "drop_last": False, "seed": 1}
    here, there = Loader(make_set(50), 8, **how), Loader(make_set(50), 8, device="cuda", **how)
    assert there._maker._images.is_cuda == fits
    for (images, targets), (others, other_targets) in zip(here, there, strict=True):
        assert others.is_cuda
        assert others.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(others.cpu(), images)
        assert torch.equal(other_targets.cpu(), targets)
