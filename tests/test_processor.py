from __future__ import annotations

from pathlib import Path

import pytest

from cifarzoo.processor import cpu_features

two_cores = """processor\t: 0
vendor_id\t: AuthenticAMD
flags\t\t: fpu avx2 avx512_bf16

processor\t: 1
vendor_id\t: AuthenticAMD
flags\t\t: fpu avx2
"""


def test_vendor_and_flags_are_those_of_the_first_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: two_cores)
    assert cpu_features.__wrapped__() == {"AuthenticAMD", "fpu", "avx2", "avx512_bf16"}


def test_where_they_cannot_be_read_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(*_: object, **__: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", nowhere)
    assert cpu_features.__wrapped__() == frozenset()
