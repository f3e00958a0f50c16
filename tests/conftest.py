"""What holds in every test: one thread, no network but loopback, a cache of its own, the same examples in every run."""

from __future__ import annotations

import ipaddress
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# Before torch is loaded, and for the processes that tests start: threads that spin while they wait take the other core
# from whoever works on it, and a test then takes a hundred times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ["HF_HUB_OFFLINE"] = "1"

import hypothesis
import pytest
import torch

from cifarzoo.files import locked, write_text

torch.set_num_threads(1)
# The first backward pass starts torch's autograd. After a compilation it counts devices that are not there, and no
# process that is forked from then on may have a backward pass: so before whatever test comes first in this process.
torch.ones(1, requires_grad=True).sum().backward()

hypothesis.settings.register_profile(
    "tests",
    deadline=None,
    max_examples=20,
    derandomize=True,  # a red test then comes from the change under test; `make campaign` looks further
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
hypothesis.settings.load_profile("tests")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep decoded data out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("CIFARZOO_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Refuse connections that leave this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = address[0]  # type: ignore[index]
            if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
                raise RuntimeError(f"a test reached for the network: {address}")
        connect(self, address)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[..., None]:
    """What a campaign says at its end, so that its counts are kept in the results where CIFARZOO_RECORD is set."""
    began = time.monotonic()

    def write(**counts: float) -> None:
        if not os.environ.get("CIFARZOO_RECORD"):
            return
        path = request.config.rootpath / "docs" / "results" / "campaigns.json"
        ran = {"seconds": round(time.monotonic() - began, 1), "torch": torch.__version__}
        with locked(Path(tempfile.gettempdir()) / path.name):
            found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"counts": {}}
            found["counts"][request.node.nodeid] = {**counts, **ran, "date": time.strftime("%Y-%m-%d")}
            ordered = {"kind": "fault campaigns", "counts": dict(sorted(found["counts"].items()))}
            write_text(path, json.dumps(ordered, indent=2) + "\n")

    return write
