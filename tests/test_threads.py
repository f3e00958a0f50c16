"""Shares are even, and a thread that computes alone leaves the others their number of threads."""

from __future__ import annotations

import threading

import torch
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.threads import compute_alone, even_spans, threads_kept


@given(count=st.integers(0, 300), parts=st.integers(1, 40))
def test_spans_cover_each_row_once_and_evenly(count: int, parts: int) -> None:
    spans = even_spans(count, parts)
    assert [row for span in spans for row in range(count)[span]] == list(range(count))
    lengths = [span.stop - span.start for span in spans]
    assert len(spans) == parts and max(lengths) - min(lengths) <= 1


def test_a_thread_alone_has_one_and_its_maker_keeps_its_own() -> None:
    before, seen = torch.get_num_threads(), []

    def work() -> None:
        compute_alone()
        seen.append(torch.get_num_threads())

    with threads_kept():
        torch.set_num_threads(3)
        with threads_kept():
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        assert seen == [1] and torch.get_num_threads() == 3
    assert torch.get_num_threads() == before
