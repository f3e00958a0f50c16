"""Weights come back bit for bit; any other bytes, and any other card, are refused."""

import hashlib

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cifarzoo import files
from cifarzoo.errors import DataError, IntegrityError
from cifarzoo.weights import Card, load_weights, save_weights
from cifarzoo.weights.store import read_card

STATE = {
    "a.weight": torch.arange(12, dtype=torch.float32).view(3, 4),
    "a.bias": torch.tensor([1.5, float("inf"), -0.0], dtype=torch.bfloat16),
    "bn.num_batches_tracked": torch.tensor(7),
}
CARD = Card(arch="net", num_classes=3, classes=["cat", "Hund", "\u72d7"])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "net.safetensors"
    save_weights(STATE, CARD, path)
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "net.safetensors"
    save_weights(STATE, CARD, path)
    return path, path.read_bytes()


def assert_state(state, wanted=STATE):
    assert state.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert state[name].dtype == tensor.dtype
        assert torch.equal(state[name], tensor)


def test_round_trip(path):
    state, card = load_weights(path)
    assert_state(state)
    assert (card.arch, card.classes, card.bytes) == ("net", CARD.classes, path.stat().st_size)
    assert {file.name for file in path.parent.iterdir()} == {"net.json", "net.safetensors"}


def test_a_run_s_folder_is_read_by_its_name(tmp_path):
    save_weights(STATE, CARD, tmp_path / "run" / "model.safetensors")
    assert_state(load_weights(str(tmp_path / "run"))[0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64, torch.uint8, torch.bool])
def test_any_layout_and_dtype(tmp_path, dtype):
    tensor = torch.randint(2, (2, 3, 4, 5)).to(dtype)
    state = {"last": tensor.contiguous(memory_format=torch.channels_last), "part": tensor[:, 1], "empty": tensor[:0]}
    save_weights(state, CARD, tmp_path / "x.safetensors")
    assert_state(load_weights(tmp_path / "x.safetensors")[0], state)


def test_weights_that_share_memory_are_written_out(tmp_path):
    tied = torch.rand(3, 4, requires_grad=True)
    state = {"embed": tied, "head": tied, "row": tied[0]}
    save_weights(state, CARD, tmp_path / "x.safetensors")
    loaded, _ = load_weights(tmp_path / "x.safetensors")
    assert_state(loaded, state)
    loaded["embed"].zero_()
    assert torch.equal(loaded["head"], tied)


def test_same_weights_same_bytes(tmp_path):
    first = save_weights(STATE, CARD, tmp_path / "a.safetensors")
    second = save_weights(dict(reversed(STATE.items())), Card(arch="b", num_classes=9), tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert first.sha256 == second.sha256
    other = save_weights({**STATE, "a.bias": STATE["a.bias"] + 1}, CARD, tmp_path / "c.safetensors")
    assert other.sha256 != first.sha256


@given(st.data())
def test_truncated(written, data):
    path, content = written
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(IntegrityError, match="SHA-256"):
        load_weights(path)


@given(st.data())
def test_bit_flipped(written, data):
    path, content = written
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    altered = bytearray(content)
    altered[bit // 8] ^= 1 << bit % 8
    path.write_bytes(altered)
    with pytest.raises(IntegrityError, match="SHA-256"):
        load_weights(path)


def test_appended(path):
    with path.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(IntegrityError, match="SHA-256"):
        load_weights(path)


def test_the_card_of_other_weights(path):
    save_weights({**STATE, "a.bias": STATE["a.bias"] + 1}, CARD, path.with_name("other.safetensors"))
    path.with_name("other.json").replace(path.with_suffix(".json"))
    with pytest.raises(IntegrityError, match="its card says"):
        load_weights(path)


def test_a_card_without_a_hash(path):
    path.with_suffix(".json").write_text(CARD.to_json(), encoding="utf-8")
    with pytest.raises(IntegrityError, match="its card says None"):
        load_weights(path)


def test_nothing_is_parsed_before_its_hash_is_right(path, monkeypatch):
    monkeypatch.setattr("safetensors.torch.load", lambda _: pytest.fail("parsed"))
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(IntegrityError):
        load_weights(path)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_safetensors_file(tmp_path_factory, content):
    """A card may promise any bytes, and they may still be nonsense."""
    path = tmp_path_factory.mktemp("weights") / "x.safetensors"
    card = save_weights({}, CARD, path)
    files.write_bytes(path, content)
    path.with_suffix(".json").write_text(
        card.to_json().replace(card.sha256, hashlib.sha256(content).hexdigest()), encoding="utf-8"
    )
    with pytest.raises(IntegrityError, match="not a safetensors file"):
        load_weights(path)


def test_what_is_missing_is_named(path, tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.safetensors is not there"):
        load_weights(tmp_path / "nowhere.safetensors")
    with pytest.raises(DataError, match=r"model\.safetensors is not there"):
        load_weights(tmp_path)
    path.with_suffix(".json").unlink()
    with pytest.raises(DataError, match=r"net\.json is not there"):
        load_weights(path)


def test_a_failed_save_keeps_the_old_weights(path, monkeypatch):
    def full(*_):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="no space"):
            save_weights({"other": torch.ones(3)}, CARD, path)
    assert_state(load_weights(path)[0])


def test_a_card_that_cannot_be_read(tmp_path):
    with pytest.raises(IntegrityError, match=r"card\.json cannot be read \(No such file"):
        read_card(tmp_path / "card.json")
