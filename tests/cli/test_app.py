"""The entry of the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import rich.markup
import typer

import cifarzoo
from cifarzoo.cli import main
from cifarzoo.cli.app import app
from cifarzoo.errors import LostProcessError, UnknownModelError

COMMANDS = ("list", "info", "train", "lr-find", "eval", "predict", "plot")


def test_version(cli) -> None:
    assert cli("--version") == (0, f"cifarzoo {cifarzoo.__version__}\n", "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_has_json(cli, command: str) -> None:
    code, out, _ = cli(command, "--help")
    assert code == 0
    assert "--json" in out


def every_command(group: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from every_command(command, *names, name)
        else:
            yield (*names, name), command


def test_json_everywhere() -> None:
    found = dict(every_command(typer.main.get_command(app)))
    assert len(found) > 20
    without = [
        names for names, command in found.items() if not any("--json" in option.opts for option in command.params)
    ]
    assert without == [("weights", "card")]  # writes a document; `weights info --json` has what is in it


def test_no_word_of_a_help_is_taken_for_markup() -> None:
    """Rich leaves out what stands in square brackets."""
    for names, command in every_command(typer.main.get_command(app)):
        for text in (command.help, *(getattr(option, "help", None) for option in command.params)):
            assert rich.markup.render(text or "").plain == (text or ""), names


def test_a_lost_process_is_one_line_and_code_1(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(name: str) -> None:
        raise LostProcessError("process 0 has lost another one")

    monkeypatch.setattr("cifarzoo.factory.model_info", lose)
    assert cli("info", "this") == (1, "", "cifarzoo: process 0 has lost another one\n")


def test_sigterm_is_code_143_with_all_cleared_up(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cleared = []

    def build(name: str) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            cleared.append(name)

    monkeypatch.setattr("cifarzoo.factory.model_info", build)
    before = signal.getsignal(signal.SIGTERM)
    assert cli("info", "this") == (143, "", "")
    assert cleared == ["this"]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(("rank", "waits"), [(None, 0), ("0", 0), ("1", 1), ("7", 1)])
def test_the_first_of_several_processes_says_a_mistake(
    cli, monkeypatch: pytest.MonkeyPatch, rank: str | None, waits: int
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)
    assert cli("info", "nothing").code == 2
    assert len(waited) == waits


def test_help_names_every_command(cli) -> None:
    code, out, _ = cli("--help")
    assert code == 0
    assert all(command in out for command in COMMANDS)


def test_a_users_mistake_is_one_line_and_code_2(cli) -> None:
    code, out, err = cli("info", "resnet_17")
    assert (code, out) == (2, "")
    assert err.startswith("cifarzoo: no model is named 'resnet_17'")
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--debug", "info", "nothing"], ["info", "nothing", "--debug"]])
def test_debug_lets_the_error_through(arguments: list[str]) -> None:
    with pytest.raises(UnknownModelError):
        main(arguments)


def test_wrong_usage_is_code_2(cli) -> None:
    assert cli("info").code == 2
    assert cli("list", "--nothing").code == 2


@pytest.mark.filterwarnings("always")
def test_a_warning_is_one_line(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def warn(name: str) -> None:
        warnings.warn("something\n to know", UserWarning, stacklevel=1)
        raise UnknownModelError(f"no {name}")

    monkeypatch.setattr("cifarzoo.factory.model_info", warn)
    shown = warnings.showwarning
    assert cli("info", "this") == (2, "", "cifarzoo: UserWarning: something to know\ncifarzoo: no this\n")
    assert warnings.showwarning is shown


def test_python_dash_m_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "cifarzoo", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"cifarzoo {cifarzoo.__version__}\n"
