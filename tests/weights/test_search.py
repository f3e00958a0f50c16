"""Weights by name: looked for in order, fetched where they are nowhere, and never taken unchecked."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from loopback import Handler, Server, serving

from cifarzoo.data import download
from cifarzoo.errors import DownloadError, IntegrityError, UnknownModelError
from cifarzoo.weights import Card, info, names, read, save_weights, search

STATE = {"a.weight": torch.arange(20_000, dtype=torch.float32), "a.bias": torch.ones(3, dtype=torch.float16)}
NAME = "net.toys"
FILE = f"{NAME}.safetensors"


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A package folder, two that CIFARZOO_WEIGHTS names, and a cache, all empty."""
    found = {name: tmp_path / name for name in ("package", "one", "other")}
    for folder in found.values():
        folder.mkdir()
    monkeypatch.setattr(search, "PACKAGE", found["package"])
    monkeypatch.setenv("CIFARZOO_WEIGHTS", f"{found['one']}:{found['other']}")
    monkeypatch.setenv("CIFARZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(download, "PAUSE_S", 0)
    return {**found, "cache": tmp_path / "cache" / "weights"}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


def put(folder: Path, *, value: float = 0.0, weights: bool = True, **fields: Any) -> Card:
    """A card in a folder, with or without its weights."""
    state = {**STATE, "a.weight": STATE["a.weight"] + value}
    card = save_weights(state, Card(arch="net", tag="toys", num_classes=3, **fields), folder / FILE)
    if not weights:
        (folder / FILE).unlink()
    return card


@pytest.fixture
def published(places: dict[str, Path], server: Server) -> Callable[..., Card]:
    """A card in the package whose weights only the server has."""

    def publish(**fields: Any) -> Card:
        card = put(places["package"], urls=[server.url(FILE)], **fields)
        server.content = (places["package"] / FILE).read_bytes()
        (places["package"] / FILE).unlink()
        return card

    return publish


def assert_right(value: float = 0.0) -> None:
    state, _ = read(NAME)
    assert torch.equal(state["a.weight"], STATE["a.weight"] + value)


def assert_clean(folder: Path) -> None:
    """Nothing in the cache that could be taken for weights."""
    assert not list(folder.glob("*.safetensors"))


def test_the_order_of_search(places: dict[str, Path]) -> None:
    for value, place in enumerate(["cache", "other", "one", "package"]):
        put(places[place], value=value, epochs=value)
        assert_right(value)
        assert info(NAME).epochs == value
    assert names() == [NAME]


def test_a_card_in_the_package_finds_its_weights_in_a_named_folder(places: dict[str, Path]) -> None:
    put(places["package"], weights=False)
    put(places["other"])
    assert_right()


def test_names_are_those_of_cards(places: dict[str, Path]) -> None:
    put(places["one"])
    for file in ("other.set.json", "recipe.json", ".hidden.json", "x.y.txt"):
        (places["other"] / file).write_text("{}")
    assert names() == ["net.toys", "other.set"]


def test_an_architecture_stands_for_its_first_tag(places: dict[str, Path]) -> None:
    put(places["one"])
    (places["one"] / "net.aaa.json").write_text(Card(arch="net", tag="aaa", num_classes=2).to_json())
    assert info("net").tag == "aaa"


def test_no_such_weights() -> None:
    with pytest.raises(UnknownModelError, match=r"no weights are published for 'net' \(nearest: none yet\); train it"):
        read("net")
    with pytest.raises(UnknownModelError, match="no pretrained weights are there yet; train a model"):
        search.default()


def test_another_tag_is_told_of(places: dict[str, Path]) -> None:
    put(places["one"])
    with pytest.raises(UnknownModelError, match=r"no weights are named 'net\.toy'; of net there are: net\.toys"):
        read("net.toy")
    with pytest.raises(UnknownModelError, match=r"nearest: net\.toys"):
        read("nut")


def test_the_default_is_the_quick_one_where_it_is(places: dict[str, Path]) -> None:
    put(places["one"])
    assert search.default() == NAME
    (places["one"] / f"{search.PREFERRED}.json").write_text("{}")
    assert search.default() == search.PREFERRED


def test_a_damaged_card(places: dict[str, Path]) -> None:
    (places["one"] / f"{NAME}.json").write_text('{"arch": ')
    with pytest.raises(IntegrityError, match=r"net\.toys\.json is not JSON"):
        read(NAME)


@pytest.mark.parametrize("place, remedy", [("package", "reinstall cifarzoo"), ("one", "copy it there again")])
@pytest.mark.parametrize("change", [lambda c: c[:-1], lambda c: c[:-1] + b"?", lambda c: c + b"?", lambda c: b""])
def test_a_wrong_file_is_named(
    places: dict[str, Path], place: str, remedy: str, change: Callable[[bytes], bytes]
) -> None:
    put(places[place])
    path = places[place] / FILE
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(IntegrityError, match=remedy) as caught:
        read(NAME)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    put(places[place])
    assert_right()


def test_weights_are_fetched_once(published: Callable[..., Card], server: Server, places: dict[str, Path]) -> None:
    published()
    for _ in range(2):
        assert_right()
    assert len(server.requests) == 1
    assert hashlib.sha256((places["cache"] / FILE).read_bytes()).hexdigest() == info(NAME).sha256


@pytest.mark.parametrize("cut_after", [0, 1, 7, 8, 100, 79_999])
def test_a_cut_download_is_resumed(published: Callable[..., Card], server: Server, cut_after: int) -> None:
    published()
    server.fault = lambda handler, number: handler.give(cut_after=cut_after if number == 0 else None)
    assert_right()
    assert server.requests[-1] == (f"bytes={cut_after}-" if cut_after else None)


def test_the_whole_file_in_answer_to_a_range(published: Callable[..., Card], server: Server) -> None:
    published()
    server.fault = lambda handler, number: handler.give(ranges=False, cut_after=1000 if number == 0 else None)
    assert_right()
    assert server.requests[1] == "bytes=1000-"


def test_a_server_that_stalls(published: Callable[..., Card], server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    published()
    monkeypatch.setattr(download, "TIMEOUT_S", 0.1)
    over = threading.Event()

    def fault(handler: Handler, number: int) -> None:
        if number > 0:
            handler.give()
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(server.content)))
        handler.end_headers()
        handler.wfile.write(server.content[:500])
        handler.wfile.flush()
        over.wait(10)

    server.fault = fault
    assert_right()
    over.set()


def test_other_bytes_of_the_same_length(
    published: Callable[..., Card], server: Server, places: dict[str, Path]
) -> None:
    published()
    server.fault = lambda handler, _: handler.give(bytes(len(server.content)))
    with pytest.raises(DownloadError, match=r"net\.toys\.safetensors cannot be had: .* gives SHA-256 "):
        read(NAME)
    assert_clean(places["cache"])
    server.fault = lambda handler, _: handler.give()
    assert_right()


@pytest.mark.parametrize("code, requests", [(404, 1), (503, download.ATTEMPTS)])
def test_an_error_of_the_server(
    published: Callable[..., Card], server: Server, places: dict[str, Path], code: int, requests: int
) -> None:
    published()
    server.fault = lambda handler, _: handler.send_error(code)
    with pytest.raises(DownloadError, match=rf"answers {code} .*put net\.toys\.safetensors into ") as caught:
        read(NAME)
    assert "\n" not in str(caught.value)
    assert len(server.requests) == requests
    assert_clean(places["cache"])
    server.fault = lambda handler, _: handler.give()
    assert_right()


def test_a_redirect_to_less_safety_is_refused(
    published: Callable[..., Card], server: Server, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address claims to be encrypted; what answers sends on to one that is not."""
    card = published()
    secure = server.url(FILE).replace("http:", "https:")
    (places["package"] / f"{NAME}.json").write_text(replace(card, urls=[secure]).to_json())

    def fault(handler: Handler, _: int) -> None:
        handler.send_response(302)
        handler.send_header("Location", server.url(FILE))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    class Plain(download.urllib.request.HTTPSHandler):
        def https_open(self, request: Any) -> Any:
            return self.do_open(download.http.client.HTTPConnection, request)

    opener = download.urllib.request.build_opener
    monkeypatch.setattr(download.urllib.request, "build_opener", lambda *handlers: opener(*handlers, Plain))
    server.fault = fault
    with pytest.raises(DownloadError, match=r"redirects to http://.*, which is not encrypted"):
        read(NAME)
    assert len(server.requests) == 1
    assert_clean(places["cache"])


def test_the_next_address_is_tried(published: Callable[..., Card], server: Server, places: dict[str, Path]) -> None:
    card = published()
    urls = [server.url(FILE) + "?gone", server.url(FILE) + "?altered", server.url(FILE) + "?good"]
    (places["package"] / f"{NAME}.json").write_text(replace(card, urls=urls).to_json())

    def fault(handler: Handler, _: int) -> None:
        if "gone" in handler.path:
            handler.send_error(404)
        else:
            handler.give(bytes(len(server.content)) if "altered" in handler.path else None)

    server.fault = fault
    assert_right()
    asked = [path.partition("?")[2] for path in server.paths]
    assert sorted(set(asked), key=asked.index) == ["gone", "altered", "good"]


def test_a_damaged_file_in_the_cache_is_fetched_anew(
    published: Callable[..., Card], server: Server, places: dict[str, Path]
) -> None:
    published()
    places["cache"].mkdir(parents=True)
    (places["cache"] / FILE).write_bytes(server.content[:-1] + b"?")
    assert_right()
    assert len(server.requests) == 1


def test_offline(published: Callable[..., Card], server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    published()
    with monkeypatch.context() as patch:
        patch.setenv("CIFARZOO_OFFLINE", "1")
        with pytest.raises(DownloadError, match="CIFARZOO_OFFLINE is set; unset it, or put "):
            read(NAME)
    assert server.requests == []
    monkeypatch.setenv("CIFARZOO_OFFLINE", "0")
    assert_right()
    monkeypatch.setenv("CIFARZOO_OFFLINE", "1")
    assert_right()  # it is in the cache


def test_no_network(places: dict[str, Path]) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        put(places["package"], weights=False, urls=[f"http://127.0.0.1:{reserved.getsockname()[1]}/x"])
        with pytest.raises(DownloadError, match="refused"):
            read(NAME)


def test_a_card_without_an_address(places: dict[str, Path]) -> None:
    put(places["package"], weights=False)
    with pytest.raises(DownloadError, match="its card names no address; put "):
        read(NAME)


def test_a_hub_s_address_is_made_from_its_id(places: dict[str, Path]) -> None:
    card = put(places["package"], weights=False, urls=["http://127.0.0.1/x"], hub_id="someone/toys")
    first, second = search._addresses(card, FILE)
    assert first == "http://127.0.0.1/x"
    assert second.startswith("https://")
    assert second.endswith(f"/someone/toys/resolve/main/{FILE}")


def test_several_at_once_fetch_once(published: Callable[..., Card], server: Server) -> None:
    published()
    failed: list[BaseException] = []

    def attempt() -> None:
        try:
            assert_right()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert len(server.requests) == 1


def test_two_processes_at_once(published: Callable[..., Card], server: Server, places: dict[str, Path]) -> None:
    """One fetches, the other waits for it or finds it there."""
    published()
    (places["package"] / f"{NAME}.json").rename(places["one"] / f"{NAME}.json")
    code = f"from cifarzoo.weights import read; print(read({NAME!r})[0]['a.weight'].sum().item(), end='')"
    server.fault = lambda handler, number: handler.give(cut_after=20_000 if number < 3 else None)
    processes = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[0] for process in processes] == [str(STATE["a.weight"].sum().item())] * 2
    assert server.requests == [None, "bytes=20000-", "bytes=40000-", "bytes=60000-"]
