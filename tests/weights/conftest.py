"""Folders and a server that weights may come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback import Server, serving
from weight_fakes import FILE, put

from cifarzoo.data import download
from cifarzoo.weights import Card, search


@pytest.fixture
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


@pytest.fixture
def published(places: dict[str, Path], server: Server) -> Callable[..., Card]:
    """A card in the package whose weights only the server has."""

    def publish(**fields: Any) -> Card:
        card = put(places["package"], urls=[server.url(FILE)], **fields)
        server.content = (places["package"] / FILE).read_bytes()
        (places["package"] / FILE).unlink()
        return card

    return publish
