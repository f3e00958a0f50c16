"""A source that counts what is decoded, and processes that build its cache and may be killed meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from data_fakes import pixels

from cifarzoo.data import build
from cifarzoo.data.cache import Arrays
from cifarzoo.data.contents import Contents, Failures
from cifarzoo.data.layouts import Found

COUNT = 1500  # more than two chunks
IMAGES = pixels(COUNT, 8)


@dataclass
class Counted:
    """Pixels that count how often they are asked for, some of them bad."""

    bad: tuple[int, ...] = ()
    asked: list[int] = field(default_factory=list)

    def fill(self, first: int, out: np.ndarray) -> Failures:
        self.asked.append(first)
        out[:] = IMAGES[first : first + len(out)]
        return [(row, f"archive: member {row} is bad") for row in self.bad if first <= row < first + len(out)]


def found(source: Path, pixels: Counted | None = None) -> Found:
    """A source; its one file stands for it."""
    targets = np.arange(COUNT, dtype=np.int64) % 3
    contents = Contents(
        pixels=pixels or Counted(),
        targets=targets,
        classes=("a", "b", "c"),
        class_names=("A", "B", "C"),
        size_px=(8, 8),
        columns={"row": np.arange(COUNT, dtype=np.int64)},
    )
    return Found(layout="fake", paths=(source,), read=lambda: contents)


def load(
    source: Path,
    pixels: Counted | None = None,
    where: Path | None = None,
    on_error: str = "raise",
    measure: bool = False,
) -> Arrays:
    return build.load("set-train", found(source, pixels), cache_folder=where, on_error=on_error, measure=measure)


class ForkServer:
    """A process of one thread that has everything imported and forks others, as fast and as safe as a fork is then."""

    def __init__(self) -> None:
        folders = [*sys.path, str(Path(__file__).parent)]
        code = f"import sys; sys.path[:] = {folders!r}; import build_fakes; build_fakes.serve()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **request: object) -> list[str]:
        """One JSON line there, one back."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer: list[str] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate()


def serve() -> None:
    """The other side of it: fork so many processes that build, and kill them after a while or wait for their ends."""
    torch.set_num_threads(1)
    for line in sys.stdin:
        request = json.loads(line)
        source, where = Path(request["source"]), Path(request["cache"])
        children = []
        for number in range(request["processes"]):
            child = os.fork()
            if child == 0:
                try:
                    _build_in_child(source, where, number, for_ever=request["kill_after_s"] is not None)
                finally:
                    os._exit(0)
            children.append(child)
        for child in children:
            if request["kill_after_s"] is not None:
                time.sleep(request["kill_after_s"])
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        names = sorted(path.name for path in where.iterdir()) if where.exists() else []
        sys.stdout.write(f"{json.dumps(names)}\n")
        sys.stdout.flush()


def _build_in_child(source: Path, where: Path, number: int, *, for_ever: bool) -> None:
    """Build caches and delete them again, or build one and write down what was decoded."""
    while for_ever:
        file = load(source, where=where).file
        if file is not None:
            file.unlink()
    pixels = Counted()
    arrays = load(source, pixels, where=where)
    equal = torch.equal(arrays.images, torch.from_numpy(IMAGES))
    (where / f"{number}.json").write_text(json.dumps([len(pixels.asked), equal]))
