"""Memory for batches is used again, and never too early."""

import threading

import pytest
import torch

from cifarzoo.data.buffers import Buffers, Scratch

SHAPE = torch.Size((4, 3, 2, 2))


def take(buffers, shape=SHAPE, dtype=torch.float32, layout=torch.contiguous_format):
    return buffers.take(shape, dtype, layout)


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


def test_scratch_is_one_piece_of_memory_for_each_thread():
    scratch = Scratch()
    mine = scratch.take(SHAPE, torch.float32)
    assert (mine.shape, mine.dtype) == (SHAPE, torch.float32)
    assert scratch.take(SHAPE[1:], torch.uint8).data_ptr() == mine.data_ptr()
    others = []
    thread = threading.Thread(target=lambda: others.append(scratch.take(SHAPE, torch.float32)))
    thread.start()
    thread.join()
    assert others[0].data_ptr() != mine.data_ptr()
    assert scratch.take(torch.Size((9, 9, 9, 9)), torch.float64).fill_(1).sum() == 9**4
