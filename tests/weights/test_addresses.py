"""Weights that are named by their address: fetched with the card beside them, and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from loopback import Handler, Server
from weight_fakes import FILE, NAME, STATE, put

from cifarzoo.errors import DownloadError, IntegrityError, SettingError
from cifarzoo.weights import names, read_url, remote

pytestmark = pytest.mark.usefixtures("places")


@pytest.fixture
def at_address(places: dict[str, Path], server: Server, tmp_path: Path) -> str:
    """The address of weights that the server has, their card beside them."""
    put(tmp_path)
    kept = {
        f"/mine/{NAME}{suffix}": (tmp_path / f"{NAME}{suffix}").read_bytes() for suffix in (".json", ".safetensors")
    }

    def give(handler: Handler, _: int) -> None:
        path = handler.path.partition("?")[0]
        handler.give(kept[path]) if path in kept else handler.send_error(404)

    server.fault = give
    return server.url(f"mine/{FILE}")


@pytest.mark.parametrize("query", ["", "?download=true"])
def test_an_address_is_asked_once(at_address: str, server: Server, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    for _ in range(2):
        state, card = read_url(at_address + query)
        assert torch.equal(state["a.weight"], STATE["a.weight"])
        assert (card.arch, card.urls) == ("net", None)
        monkeypatch.setenv("CIFARZOO_OFFLINE", "1")
    assert server.paths == [f"/mine/{NAME}.json{query}", f"/mine/{FILE}{query}"]
    assert names() == []  # an address gives no name


def test_a_card_without_its_weights_is_asked_for_again(at_address: str, server: Server, tmp_path: Path) -> None:
    """Else weights that are replaced after a download failed would be called wrong for ever."""
    give = server.fault
    server.fault = lambda handler, number: give(handler, number) if "json" in handler.path else handler.send_error(404)
    with pytest.raises(DownloadError, match="answers 404"):
        read_url(at_address)
    put(tmp_path, value=1)
    server.fault = lambda handler, _: handler.give((tmp_path / handler.path.rpartition("/")[2]).read_bytes())
    assert torch.equal(read_url(at_address)[0]["a.weight"], STATE["a.weight"] + 1)


@pytest.mark.parametrize(
    "fault, error, problem",
    [
        (lambda handler, _: handler.send_error(404), DownloadError, r"\.json cannot be fetched: .* answers 404"),
        (lambda handler, _: handler.send_error(503), DownloadError, r"answers 503 .* \(5 attempts\)"),
        (lambda handler, _: handler.give(b"<html>", cut_after=3), DownloadError, r"closed early \(5 attempts\)"),
        (lambda handler, _: handler.give(bytes(remote._CARD_BYTES + 9)), DownloadError, "too many; check the address"),
        (lambda handler, _: handler.give(b"<html>"), IntegrityError, r"\.json is not JSON"),
        (lambda handler, _: handler.give(b'{"arch": "net"}'), IntegrityError, r"\.json is not a card"),
        (lambda handler, _: handler.give(b'{"arch": "net", "num_classes": 3}'), IntegrityError, "has no SHA-256"),
    ],
)  # fmt: skip
def test_an_address_without_a_card(
    at_address: str, server: Server, places: dict[str, Path], fault: Any, error: type[Exception], problem: str
) -> None:
    good, server.fault = server.fault, fault
    with pytest.raises(error, match=problem) as caught:
        read_url(at_address)
    assert "\n" not in str(caught.value)
    assert not [path for path in places["cache"].rglob("*") if path.is_file()]
    server.fault = good
    read_url(at_address)


def test_a_damaged_card_in_the_cache_is_fetched_anew(at_address: str, server: Server, places: dict[str, Path]) -> None:
    read_url(at_address)
    (card,) = places["cache"].rglob("*.json")
    card.write_bytes(card.read_bytes()[:-9])
    read_url(at_address)
    assert [path.rpartition(".")[2] for path in server.paths] == ["json", "safetensors", "json"]


def test_an_address_may_hold_any_letter(at_address: str, server: Server) -> None:
    give = server.fault

    def moved(handler: Handler, number: int) -> None:
        handler.path = handler.path.replace("gr%C3%B6%C3%9Fe%20a%2Fb/", "")
        give(handler, number)

    server.fault = moved
    for folder in ("größe a%2Fb", "gr%C3%B6%C3%9Fe%20a%2Fb"):
        assert read_url(at_address.replace("mine", f"mine/{folder}").replace("http:", "HTTP:"))[1].arch == "net"
    assert len(server.paths) == 2  # one address


@pytest.mark.parametrize(
    "url",
    [
        "https://zoo.org/weights",
        "https://zoo.org/a.pth",
        "https:///a.safetensors",
        "https://[zoo/a.safetensors",
        "https://\u2100.org/a.safetensors",
        "https://zoo.org:port/a.safetensors",
    ],
)
def test_an_address_of_something_else(url: str) -> None:
    with pytest.raises(SettingError, match=r"must end in the name of a \.safetensors file"):
        read_url(url)


def test_a_password_is_neither_sent_nor_shown() -> None:
    with pytest.raises(SettingError, match=r"at zoo\.org holds a user's name or password") as caught:
        read_url("https://me:secret@zoo.org/a.safetensors")
    assert "secret" not in str(caught.value)


def test_an_address_offline(at_address: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CIFARZOO_OFFLINE", "1")
    with pytest.raises(DownloadError, match="CIFARZOO_OFFLINE is set"):
        read_url(at_address)
    assert server.requests == []


def test_a_cache_that_cannot_be_written(at_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CIFARZOO_CACHE", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match=r"cannot be written .*; set CIFARZOO_CACHE"):
        read_url(at_address)
