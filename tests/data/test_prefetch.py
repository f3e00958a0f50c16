"""What is made ahead comes whole and in order, whoever makes it; errors come where they belong."""

import threading
from functools import partial

import pytest
import torch

from cifarzoo.data.prefetch import Plan, _Making, ahead

CPU = torch.device("cpu")


def pair(value):
    return torch.tensor(value), torch.tensor(-value)


def plan(*parts, value=0):
    return Plan(parts or (lambda: None,), lambda: pair(value))


def single(item):
    """A plan of one part that gives its item."""
    return plan(value=item)


@pytest.fixture(params=[1, 3], ids="{} threads".format)
def threads(request):
    """How many threads torch may use."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_everything_comes_in_order(count):
    batches = list(ahead(single, iter(range(count)), CPU))
    assert [(int(first), int(second)) for first, second in batches] == [(i, -i) for i in range(count)]


@pytest.mark.parametrize("parts", [1, 2, 50])
def test_every_part_is_done_once_before_the_end(parts):
    done = []

    def begin(item):
        work = [partial(done.append, (item, part)) for part in range(parts)]
        return Plan(work, lambda: pair(len([1 for owner, _ in done if owner == item])))

    assert [int(count) for count, _ in ahead(begin, range(20), CPU)] == [parts] * 20
    assert sorted(done) == [(item, part) for item in range(20) for part in range(parts)]


def test_the_next_is_made_while_this_one_is_in_use():
    made = [threading.Event() for _ in range(4)]
    batches = ahead(lambda item: plan(made[item].set, value=item), range(4), CPU)
    assert not made[0].is_set()  # nothing happens before the first is asked for
    for item in range(3):
        next(batches)
        assert made[item + 1].wait(timeout=60)  # though nobody has asked for it
        assert item == 2 or not made[item + 2].is_set()
    batches.close()


def test_a_caller_who_is_back_early_helps():
    """The thread is stuck in one part until the caller has done the other."""
    other_is_done = threading.Event()
    stuck = threading.Event()
    workers = set()

    def wait():
        workers.add(threading.get_ident())
        stuck.set()
        assert other_is_done.wait(timeout=60)

    def do():
        workers.add(threading.get_ident())
        other_is_done.set()

    batches = ahead(lambda item: plan(wait, do, value=item) if item else single(item), range(2), CPU)
    next(batches)
    assert stuck.wait(timeout=60)
    assert int(next(batches)[0]) == 1
    assert len(workers) == 2
    assert threading.get_ident() in workers


@pytest.mark.parametrize("where", ["begin", "part", "finish"])
def test_an_error_comes_where_the_batch_would_have_come(where):
    def fail():
        raise ZeroDivisionError(where)

    def begin(item):
        if item < 2:
            return single(item)
        if where == "begin":
            fail()
        return Plan((fail if where == "part" else lambda: None,), fail)

    batches = ahead(begin, range(5), CPU)
    assert [int(next(batches)[0]) for _ in range(2)] == [0, 1]
    with pytest.raises(ZeroDivisionError, match=where):
        next(batches)
    assert list(batches) == []


@pytest.mark.parametrize("fails_in_the_thread", [True, False])
def test_an_error_of_either_helper_comes_out(fails_in_the_thread):
    both = threading.Barrier(2, timeout=60)
    caller = threading.get_ident()

    def part():
        both.wait()  # one for the thread, one for the caller
        if (threading.get_ident() != caller) == fails_in_the_thread:
            raise ZeroDivisionError("in a part")

    begun = threading.Event()

    def begin(item):
        if item:
            begun.set()
        return plan(part, part) if item else single(item)

    batches = ahead(begin, range(2), CPU)
    next(batches)
    assert begun.wait(timeout=60)  # so it is the thread that began, and the caller who helps
    with pytest.raises(ZeroDivisionError, match="in a part"):
        next(batches)


def test_the_thread_ends_with_the_pass():
    before = threading.active_count()
    list(ahead(single, range(3), CPU))
    assert threading.active_count() == before
    cut = ahead(single, range(3), CPU)
    next(cut)
    assert threading.active_count() == before + 1
    cut.close()
    assert threading.active_count() == before


def test_nothing_is_kept_of_a_batch_that_was_handed_out():
    alive = []

    class Token:
        def __init__(self):
            alive.append(1)

        def __del__(self):
            alive.pop()

    def begin(item):
        token = Token()
        return Plan((lambda: None,), lambda: (token, None))

    for _ in ahead(begin, range(20), CPU):
        assert len(alive) <= 2  # this one, and the next in the making


def test_each_helper_computes_on_one_core(threads):
    counts = []
    for _ in ahead(lambda item: plan(*[lambda: counts.append(torch.get_num_threads())] * 9), range(5), CPU):
        assert torch.get_num_threads() == threads
    assert counts == [1] * 45


def test_later_threads_of_torch_are_left_alone(threads):
    list(ahead(single, range(3), CPU))
    later = []
    other = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert later == [threads]


def test_threads_may_be_changed_on_the_way(threads):
    for _ in ahead(single, range(3), CPU):
        torch.set_num_threads(2)
    assert torch.get_num_threads() == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_waits_for_what_is_made_on_the_other_stream():
    def begin(item):
        made = []

        def part():
            torch.cuda._sleep(10_000_000)
            made.append(torch.full((1000,), item, device="cuda"))

        return Plan((part,), lambda: (made[0], torch.tensor(item, device="cuda")))

    for item, (first, second) in enumerate(ahead(begin, range(5), torch.device("cuda"))):
        assert (first + second == 2 * item).all()


def test_a_caller_in_inference_mode_makes_memory_that_the_thread_can_write_to():
    memory = []
    made, written = threading.Event(), threading.Event()

    def make():
        memory.append(torch.zeros(2))
        made.set()
        written.wait(10)

    def write():
        memory[0][1] = 1
        written.set()

    making = _Making(lambda: Plan([make, write], lambda: (memory[0], memory[0])), None)

    def help_later():
        made.wait(10)
        making.help()

    thread = threading.Thread(target=help_later)
    thread.start()
    with torch.inference_mode():
        making.help()
    thread.join()
    assert making.result()[0].tolist() == [0, 1]
