"""Weights that are nowhere on this machine: fetched from the card's addresses, whatever the network does."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from loopback import Handler, Server
from weight_fakes import FILE, NAME, STATE, assert_clean, assert_right, put

from cifarzoo.data import download
from cifarzoo.errors import DownloadError, IntegrityError
from cifarzoo.weights import Card, info, read, remote

pytestmark = pytest.mark.usefixtures("places")


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

    server.fault = lambda handler, number: handler.give() if number > 0 else handler.stall(500, over)
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


def test_a_file_that_is_shorter_than_promised(
    published: Callable[..., Card], server: Server, places: dict[str, Path]
) -> None:
    """Its last byte is the end of what there is, however often it is asked for; another address may have all of it."""
    card = published()
    server.fault = lambda handler, _: handler.give(server.content[:-10])
    with pytest.raises(DownloadError, match=rf"\({download.ATTEMPTS} attempts\)"):
        read(NAME)
    urls = [server.url("short"), server.url(FILE)]
    (places["package"] / f"{NAME}.json").write_text(replace(card, urls=urls).to_json())
    server.fault = lambda handler, _: handler.give(server.content[:-10] if "short" in handler.path else None)
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


def test_a_damaged_file_that_another_process_has_just_discarded(
    published: Callable[..., Card], places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    published()
    places["cache"].mkdir(parents=True)
    path = places["cache"] / FILE
    path.write_bytes(b"damaged")
    discard = remote._discard

    def too_late(file: Path, card: Card) -> None:
        path.unlink()
        discard(file, card)

    monkeypatch.setattr(remote, "_discard", too_late)
    assert_right()


@pytest.mark.parametrize("offline", [True, False])
def test_a_damaged_file_that_nothing_can_replace_stays(
    offline: bool, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error says what is wrong, instead of that it is not there."""
    put(places["package"], weights=False, urls=["http://127.0.0.1/x"] if offline else None)
    monkeypatch.setenv("CIFARZOO_OFFLINE", str(int(offline)))
    places["cache"].mkdir(parents=True)
    (places["cache"] / FILE).write_bytes(b"damaged")
    with pytest.raises(IntegrityError, match=FILE):
        read(NAME)
    assert (places["cache"] / FILE).read_bytes() == b"damaged"


@pytest.mark.parametrize("urls", [None, ["http://127.0.0.1/x"]])
def test_a_hub_s_id_that_is_none(urls: list[str] | None, places: dict[str, Path]) -> None:
    """Addresses beside it still serve."""
    card = put(places["package"], weights=False, urls=urls, hub_id="a/b/c")
    if urls:
        assert remote._addresses(card, FILE) == urls
    else:
        with pytest.raises(DownloadError, match="names no legal address"):
            read(NAME)


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
    with pytest.raises(DownloadError, match="its card names no legal address; put "):
        read(NAME)


def test_a_hub_s_address_is_made_from_its_id(places: dict[str, Path]) -> None:
    card = put(places["package"], weights=False, urls=["http://127.0.0.1/x"], hub_id="someone/toys")
    first, second = remote._addresses(card, FILE)
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
