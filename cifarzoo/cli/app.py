"""The ``cifarzoo`` command: its groups put together, and what happens to a user's mistake.

Nothing heavy is imported before a command runs, so that ``cifarzoo --help`` answers at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

import cifarzoo
from cifarzoo.cli import augment as augment_commands
from cifarzoo.cli import bench, recipes, weights
from cifarzoo.cli import data as data_commands
from cifarzoo.cli.evaluate import evaluate
from cifarzoo.cli.lr_find import lr_find
from cifarzoo.cli.models import info, list_models
from cifarzoo.cli.plot import plot
from cifarzoo.cli.predict import predict
from cifarzoo.cli.train import train
from cifarzoo.cli.verify import verify
from cifarzoo.errors import CifarZooError, LostProcessError

LOST_PROCESS, USER_MISTAKE = 1, 2
_FIRST_SPEAKS_S = 5.0  # in which torchrun ends the others, once the first process of a machine has left

app = typer.Typer(name="cifarzoo", no_args_is_help=True, pretty_exceptions_enable=False)
app.command("list")(list_models)
app.command("info")(info)
app.command("train")(train)
app.command("lr-find")(lr_find)
app.command("eval")(evaluate)
app.command("predict")(predict)
app.command("verify")(verify)
app.command("plot")(plot)
app.add_typer(recipes.app)
app.add_typer(bench.app)
app.add_typer(data_commands.app)
app.add_typer(weights.app)
app.add_typer(augment_commands.app, name="augment")


def _show_version(wanted: bool) -> None:
    """Print the version and leave, if that is what was asked for."""
    if wanted:
        typer.echo(f"cifarzoo {cifarzoo.__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Small-image classification: models by name, training on your pictures, predictions."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: what stands behind ``cifarzoo``; None takes the process's own.

    Raises:
        SystemExit: always; code 2 and one line on stderr for a user's mistake, code 1 and one line when another of
            several processes is gone, code 143 after SIGTERM.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Read by OpenMP when torch is loaded, later on. Threads that spin while they wait gain a fifth on a machine of
    # their own, more on a virtual one that is slow to wake; two runs of them on the same cores stand nearly still.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    debug = "--debug" in given  # accepted anywhere: it is added to a line that has just failed
    try:
        with _sigterm_leaves(), warnings.catch_warnings():
            warnings.showwarning = _show_warning
            app(args=[argument for argument in given if argument != "--debug"])
    except CifarZooError as error:
        if debug:
            raise
        _let_the_first_speak()
        typer.echo(f"cifarzoo: {' '.join(str(error).split())}", err=True)
        raise SystemExit(LOST_PROCESS if isinstance(error, LostProcessError) else USER_MISTAKE) from None


@contextlib.contextmanager
def _sigterm_leaves() -> Iterator[None]:
    """Let SIGTERM end the process as Ctrl-C does, clearing up on the way, where nothing else is done about it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def _let_the_first_speak() -> None:
    """Wait, in all but the first of the processes that torchrun has started on a machine.

    What is wrong is wrong in all of them, or is heard of by the others as a process that is gone: said once is enough.
    """
    if os.environ.get("LOCAL_RANK", "0") != "0":
        time.sleep(_FIRST_SPEAKS_S)


def _show_warning(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    """Show a warning as one line, without the place in the code that a user cannot do anything about."""
    typer.echo(f"cifarzoo: {category.__name__}: {' '.join(str(message).split())}", err=True)
