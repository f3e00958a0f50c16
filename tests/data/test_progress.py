"""The progress bar: on terminals only, and only for what takes long."""

from __future__ import annotations

import io
import sys

import pytest

from cifarzoo.data import progress as module
from cifarzoo.data.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_a_terminal(monkeypatch: pytest.MonkeyPatch, patience_s: float) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(module, "_PATIENCE_S", patience_s)
    return terminal


def test_nothing_is_shown_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", -1)
    with progress("decoding", 10) as show:
        show(5)
    assert capsys.readouterr() == ("", "")


def test_what_is_quick_shows_nothing_and_imports_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_a_terminal(monkeypatch, 1000)
    monkeypatch.setitem(sys.modules, "rich", None)  # an import would fail
    with progress("decoding", 10) as show:
        show(5)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize(("in_bytes", "amount"), [(False, "5/10"), (True, "5/10 bytes")])
def test_a_bar_is_shown_for_what_takes_longer(monkeypatch: pytest.MonkeyPatch, in_bytes: bool, amount: str) -> None:
    terminal = on_a_terminal(monkeypatch, -1)
    with progress("decoding some", 10, in_bytes=in_bytes) as show:
        show(5)
    assert "decoding some" in terminal.getvalue()
    assert amount in terminal.getvalue()


def test_the_bar_is_taken_down_when_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_a_terminal(monkeypatch, -1)
    with pytest.raises(KeyError), progress("decoding", 10) as show:
        show(1)
        raise KeyError
    assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l")  # the cursor is back
