"""What is made ahead comes in order, errors where they belong; memory is used again, and never too early."""

import threading

import pytest
import torch

from cifarzoo.data.prefetch import Buffers, ahead

CPU = torch.device("cpu")
SHAPE = torch.Size((4, 3, 2, 2))


def pair(value):
    return torch.tensor(value), torch.tensor(-value)


def take(buffers, shape=SHAPE, dtype=torch.float32, layout=torch.contiguous_format):
    return buffers.take(shape, dtype, layout)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_everything_comes_in_order(count):
    batches = list(ahead(pair, iter(range(count)), CPU))
    assert [(int(first), int(second)) for first, second in batches] == [(i, -i) for i in range(count)]


def test_the_next_is_made_while_this_one_is_in_use():
    begun = [threading.Event() for _ in range(4)]

    def make(item):
        begun[item].set()
        return pair(item)

    batches = ahead(make, range(4), CPU)
    assert not begun[0].is_set()  # nothing happens before the first is asked for
    for item in range(3):
        next(batches)
        assert begun[item + 1].wait(timeout=60)  # though nobody has asked for it
        assert item == 2 or not begun[item + 2].is_set()
    batches.close()


def test_an_error_comes_where_the_batch_would_have_come():
    def make(item):
        if item == 2:
            raise ZeroDivisionError("in the thread")
        return pair(item)

    batches = ahead(make, range(5), CPU)
    assert [int(next(batches)[0]) for _ in range(2)] == [0, 1]
    with pytest.raises(ZeroDivisionError, match="in the thread"):
        next(batches)
    assert list(batches) == []


def test_the_thread_ends_with_the_pass():
    before = threading.active_count()
    list(ahead(pair, range(3), CPU))
    assert threading.active_count() == before
    cut = ahead(pair, range(3), CPU)
    next(cut)
    assert threading.active_count() == before + 1
    cut.close()
    assert threading.active_count() == before


def test_threads_of_torch_are_left_alone():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        counts = [int(count) for count, _ in ahead(lambda _: pair(torch.get_num_threads()), range(2), CPU)]
        assert counts == [1, 1]
        assert torch.get_num_threads() == 3
        later = []
        other = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
        other.start()
        other.join()
        assert later == [3]
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_waits_for_what_is_made_on_the_other_stream():
    def make(item):
        torch.cuda._sleep(10_000_000)
        return torch.full((1000,), item, device="cuda"), torch.tensor(item, device="cuda")

    for item, (first, second) in enumerate(ahead(make, range(5), torch.device("cuda"))):
        assert (first + second == 2 * item).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_buffers_have_the_shape_that_is_asked_for(dtype, layout):
    buffers = Buffers()
    for shape in ((4, 3, 2, 5), (2, 3, 2, 5), (1, 1, 8, 8), (7, 3, 9, 9)):
        batch = take(buffers, torch.Size(shape), dtype, layout)
        assert (batch.shape, batch.dtype) == (shape, dtype)
        assert batch.is_contiguous(memory_format=layout)
        assert batch.data_ptr() % 64 == 0  # whole cache lines, as torch's own tensors
        batch.fill_(1)
        assert batch.sum() == batch.numel()
        del batch


def test_memory_is_used_again():
    buffers = Buffers()
    places = set()
    batch = None
    for _ in range(10):
        batch = take(buffers)  # the one before is held until this one is there
        places.add(batch.data_ptr())
    assert len(places) == 2


HOLDERS = {
    "itself": lambda batch: batch,
    "a view": lambda batch: batch[1:, :1],
    "another dtype": lambda batch: batch.view(torch.int32),
    "a NumPy array": lambda batch: batch.numpy(),
    "a detached tensor": lambda batch: batch.detach(),
    "a storage": lambda batch: batch.untyped_storage(),
    "a DLPack import": torch.from_dlpack,
    "autograd": lambda batch: (torch.ones(2, requires_grad=True) * batch).sum(),  # saves batch for the backward pass
}


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_memory_is_not_used_again_while_anything_refers_to_it(hold):
    buffers = Buffers()
    batch = take(buffers)
    place = batch.data_ptr()
    holder = hold(batch)
    del batch
    others = [take(buffers) for _ in range(5)]
    assert place not in [other.data_ptr() for other in others]
    del holder
    assert take(buffers).data_ptr() == place


def test_a_last_reference_may_go_in_another_thread():
    buffers = Buffers()
    held = [take(buffers)]
    place = held[0].data_ptr()
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    assert take(buffers).data_ptr() == place


def test_few_buffers_are_kept():
    buffers = Buffers()
    held = [take(buffers) for _ in range(9)]
    assert len({batch.data_ptr() for batch in held}) == 9
    del held
    assert buffers._free.qsize() == buffers._made == 2


def test_a_third_is_not_made_before_the_caller_lets_go():
    buffers = Buffers()
    first, second = take(buffers), take(buffers)
    place, taken = first.data_ptr(), []
    thread = threading.Thread(target=lambda: taken.append(take(buffers)))
    buffers._patience_s = 60
    thread.start()
    del first
    thread.join()
    assert taken[0].data_ptr() == place != second.data_ptr()


def test_who_keeps_batches_waits_once():
    buffers = Buffers()
    held = [take(buffers) for _ in range(3)]
    assert buffers._patience_s == 0
    assert len({batch.data_ptr() for batch in held}) == 3


def test_buffers_outlive_their_maker():
    batch = take(Buffers()).fill_(5)
    assert (batch == 5).all()
