from __future__ import annotations

import pytest
import torch

from cifarzoo.errors import SettingError
from cifarzoo.threads import _openmp_libraries, threads_kept
from cifarzoo.training import precision
from cifarzoo.training.precision import autocast, choose_precision, cpu_has_fast_bf16, flushed_denormals


@pytest.mark.parametrize(
    "flags, native",
    [
        ({"avx2", "fma"}, False),
        ({"avx2", "avx512f", "avx512_vnni"}, False),
        ({"AuthenticAMD", "avx512f", "avx512_bf16"}, True),
        ({"GenuineIntel", "avx512f", "avx512_bf16"}, False),
        ({"amx_tile", "amx_bf16"}, True),
        ({"amx_tile", "amx_int8"}, False),
        (set(), False),
    ],
)
def test_auto_follows_the_processors_maker_and_flags(
    flags: set[str], native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cpu_has_fast_bf16(frozenset(flags)) is native
    monkeypatch.setattr(precision, "cpu_features", lambda: frozenset(flags))
    assert choose_precision("auto", "cpu") == ("bf16" if native else "fp32")


@pytest.mark.parametrize("wanted", ["fp32", "bf16"])
@pytest.mark.parametrize("flags", [frozenset[str](), frozenset({"AuthenticAMD", "avx512_bf16"})])
def test_a_named_precision_is_taken_on_any_processor(
    wanted: str, flags: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "cpu_features", lambda: flags)
    assert choose_precision(wanted, "cpu") == wanted


def test_unknown_precision() -> None:
    with pytest.raises(SettingError, match=r"'fp16'.*bf16"):
        choose_precision("fp16", "cpu")


@pytest.mark.parametrize("wanted, dtype", [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_autocast_gives_the_type(wanted: str, dtype: torch.dtype) -> None:
    with autocast(wanted, "cpu"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


@pytest.mark.skipif(not _openmp_libraries(), reason="another OpenMP than GNU's")
def test_denormals_are_flushed_by_all_threads() -> None:
    """Those too that have begun before."""
    tiny = torch.full((1 << 20,), 1e-40)
    with threads_kept():
        torch.set_num_threads(2)
        assert (tiny * 0.5).all()
        with flushed_denormals():
            assert not (tiny * 0.5).any()
        assert (tiny * 0.5).all()


def test_denormals_are_flushed_within_and_kept_outside() -> None:
    tiny = torch.tensor([1e-40])
    with flushed_denormals():
        assert (tiny * 0.5).item() == 0.0
    assert (tiny * 0.5).item() > 0.0


def test_who_flushes_denormals_goes_on_with_it() -> None:
    torch.set_flush_denormal(True)
    try:
        with flushed_denormals():
            pass
        assert (torch.tensor([1e-40]) * 0.5).item() == 0.0
    finally:
        torch.set_flush_denormal(False)
