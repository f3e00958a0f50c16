"""Pickles of data: the standard library's reader is the oracle; a file that names anything else does nothing."""

from __future__ import annotations

import builtins
import contextlib
import os
import pickle
import pickletools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from data_fakes import peak_bytes, pickle_as_python2
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo.data.readers import pickled
from cifarzoo.errors import CifarZooError, DataError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=4), inner, max_size=4)
        | st.tuples(inner)
        | st.tuples(inner, inner, inner, inner)
    ),
    max_leaves=12,
)


def load(content: bytes) -> Any:
    return pickled.load(content, where="file")


@given(PLAIN, st.integers(0, 5))
def test_plain_data_equal_the_standard_library(value: object, protocol: int) -> None:
    assert load(pickle.dumps(value, protocol)) == value


@given(st.binary(max_size=300), st.integers(2, 5))
def test_bytes(content: bytes, protocol: int) -> None:
    assert load(pickle.dumps({"data": content}, protocol)) == {"data": content}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["u1", "i8", ">i4", "f4", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays(protocol: int, dtype: str, order: str) -> None:
    array = np.asarray(np.arange(24).reshape(4, 6), dtype=dtype, order=order)  # type: ignore[call-overload]
    found = load(pickle.dumps({"data": array}, protocol))["data"]
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_what_python_2_wrote() -> None:
    array = np.arange(12, dtype=np.uint8).reshape(2, 6)
    batch = {"batch_label": "one", "labels": [3, 200], "data": array, "filenames": ["a.png", "b.png"]}
    content = pickle_as_python2(batch)
    oracle = pickle.loads(content, encoding="latin1")
    found = load(content)
    assert {k: v for k, v in found.items() if k != "data"} == {k: v for k, v in oracle.items() if k != "data"}
    np.testing.assert_array_equal(found["data"], oracle["data"])


class Calls:
    """Runs a function when it is unpickled."""

    def __init__(self, function: Any, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("function", [os.system, builtins.eval, np.load, np.memmap, Path, bytearray, getattr])
def test_anything_but_data_is_refused(tmp_path: Path, protocol: int, function: Any) -> None:
    content = pickle.dumps(Calls(function, f"touch {tmp_path / 'ran'}"), protocol)
    with pytest.raises(DataError, match=r"file (names|uses)"):
        load(content)
    assert not list(tmp_path.iterdir())


def test_nothing_of_a_file_is_imported_or_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "payload.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    events: list[str] = []
    watching = True
    sys.addaudithook(lambda event, _: events.append(event) if watching and event.startswith("pickle") else None)
    with pytest.raises(DataError, match=r"names payload\.x"):
        load(b"cpayload\nx\n.")
    watching = False
    assert "payload" not in sys.modules
    assert not events


@pytest.mark.parametrize(
    "content",
    [
        b"cnumpy\nndarray\n)R.",  # numpy's own constructor
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\nK\x00\x85U\x01b\x87R.",
        b"U\x05dtypeU\x01O\x85R(K\x03U\x01|NNNtb.",  # a string in the place of a name: only data comes of it
        b"\x80\x02}U\x04datacnumpy\ndtype\nU\x01O\x85Rs.",
        b"Pid\n.",  # a persistent id
        b"\x82\x01.",  # an extension
        b"(i__main__\nX\n.",
        b"(c__main__\nX\no.",
        b"\x80\x02)\x81.",
        b"2.",
        b"R.",
        b"b.",
        b"e.",
        b"(",
        b"]]a",
        b"h\x05.",
        b"T\xff\xff\xff\x7fshort.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"r\xff\xff\xff\x7f.",  # a place in the memo that would need 16 GB in the standard library
        b"",
    ],
)
def test_hostile_and_damaged_files(content: bytes) -> None:
    try:
        found = load(content)
    except DataError as error:
        assert str(error).startswith("file ")
    else:
        assert isinstance(found, (dict, list, str, pickled._Type))
    assert peak_bytes(lambda: load(content)) < 100_000


DEEP = b")" + 500_000 * b"\x85"  # an empty tuple in a tuple, and so on
WIDE = b")" + b"".join(b"q%ch%c\x86" % (place, place) for place in range(40))  # each has the one before twice


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"}" + DEEP + b"Ns.", "a key of type tuple"),  # its hash would overflow the processor's stack
        (b"\x8c\x05numpy" + DEEP + b"\x93.", "a tuple in the place of a text"),
        (b"cnumpy\ndtype\n" + WIDE + b"\x85R.", "a tuple in the place of a text"),  # as text it is of 2^40 signs
        (b"cnumpy\ndtype\nU\x02u1\x85R(N" + WIDE + b"tb.", "a tuple in the place of a text"),
        (WIDE + b")R.", "calls something that is not data"),
    ],
    ids=["key", "name", "type", "order", "call"],
)
def test_nests_of_tuples(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load(content)
    assert isinstance(load(DEEP + b"."), tuple)


def test_one_text_makes_bytes_once() -> None:
    text = b"X" + (100_000).to_bytes(4, "little") + 100_000 * b"a" + b"q\x00"
    encoded = b"c_codecs\nencode\nh\x00U\x06latin1\x86R"
    assert load(b"(" + text + encoded + b"t.") == ("a" * 100_000, b"a" * 100_000)
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    state = b"(K\x01J\xa0\x86\x01\x00\x85cnumpy\ndtype\nU\x02u1\x85R\x89h\x00tb"
    assert load(text + array + state + b".").tolist() == 100_000 * [ord("a")]
    for made in (encoded, array + state):
        with pytest.raises(DataError, match="makes more bytes than it has"):
            load(b"(" + text + 50 * made + b"t.")
        assert peak_bytes(lambda made=made: load(b"(" + text + 50 * made + b"t.")) < 2_000_000


def test_an_array_needs_the_bytes_of_its_shape() -> None:
    content = pickle_as_python2({"data": np.zeros((2, 6), np.uint8)})
    assert content.count(b"J\x02\x00\x00\x00") == 1
    with pytest.raises(DataError, match="an array of 12 bytes where its shape"):
        load(content.replace(b"J\x02\x00\x00\x00", b"J\x00\x00\x00\x7f"))


def test_too_many_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickled, "MAX_INSTRUCTIONS", 100)
    assert load(pickle.dumps([1] * 90, 2)) == [1] * 90
    with pytest.raises(DataError, match="more than the limit of 100"):
        load(pickle.dumps([1] * 110, 2))


@given(st.lists(st.sampled_from([op.code.encode("latin1") for op in pickletools.opcodes]) | st.binary(max_size=5)))
def test_any_bytes_load_or_are_refused(parts: list[bytes]) -> None:
    with contextlib.suppress(CifarZooError):
        load(b"".join(parts) + b".")
