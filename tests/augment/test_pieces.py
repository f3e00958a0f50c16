"""Pieces cover a batch once and in order, on threads that compute alone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.augment.pieces import in_pieces


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def rows(spans: list[slice]) -> list[int]:
    return [row for span in spans for row in range(span.start, min(span.stop, 10**6))]


@given(st.integers(0, 2000), st.sampled_from((1, 4, 3072, 12288, 10**6)))
def test_every_row_once_and_in_order(count: int, values: int) -> None:
    images = torch.zeros(1, dtype=torch.uint8).expand(count, values)
    spans = in_pieces(lambda span: slice(span.start, min(span.stop, count)), images)
    assert rows(spans) == list(range(count))


@pytest.mark.usefixtures("two_threads")
@given(st.integers(1, 2000), st.sampled_from((1, 3072, 10**6)))
def test_on_two_threads(count: int, values: int) -> None:
    images = torch.zeros(1, dtype=torch.uint8).expand(count, values)
    assert rows(in_pieces(lambda span: span, images)) == list(range(count))


@pytest.mark.usefixtures("two_threads")
def test_each_piece_computes_alone_and_the_caller_keeps_its_threads() -> None:
    inside = in_pieces(lambda _: torch.get_num_threads(), torch.zeros(4000, 3072, dtype=torch.uint8))
    assert set(inside) == {1}
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("first", [True, False])
def test_an_error_in_a_piece_reaches_the_caller(first: bool) -> None:
    def fail(span: slice) -> None:
        if (span.start == 0) == first:
            raise ValueError("in a piece")

    with pytest.raises(ValueError, match="in a piece"):
        in_pieces(fail, torch.zeros(4000, 3072, dtype=torch.uint8))
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_the_caller_takes_what_no_other_thread_has_begun() -> None:
    images = torch.zeros(6, 3 << 20, dtype=torch.uint8)
    caller, begun, left = threading.get_ident(), threading.Event(), threading.Event()

    def work(span: slice) -> tuple[int, bool]:
        if threading.get_ident() != caller:
            begun.set()
            return span.start, not left.wait(60)
        if span.start == 0:
            begun.wait(60)
        if span.start == 2:  # all but the one that the other thread has begun
            left.set()
        return span.start, True

    assert in_pieces(work, images) == [(0, True), (1, False), (2, True), (3, True), (4, True), (5, True)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_process_has_threads_of_its_own() -> None:
    script = """
import os, torch
from cifarzoo.augment.pieces import in_pieces
torch.set_num_threads(2)
images = torch.zeros(4000, 3072, dtype=torch.uint8)
parent = len(in_pieces(lambda span: span, images))
child = os.fork()
if child == 0:
    os._exit(0 if len(in_pieces(lambda span: span, images)) == parent else 1)
raise SystemExit(os.waitpid(child, 0)[1])
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], timeout=60)
    assert done.returncode == 0
