from __future__ import annotations

import os
import signal
import threading

import pytest

from cifarzoo.errors import LostProcessError
from cifarzoo.training.signals import StopRequest

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # one thread here

CODES = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: SystemExit}


@pytest.mark.parametrize("number", CODES)
def test_the_first_is_noted_and_acted_on_when_asked(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(CODES[number]) as caught, StopRequest() as stop:
        assert not stop.requested
        stop.check()
        os.kill(os.getpid(), number)
        assert stop.requested
        stop.check()
    assert signal.getsignal(number) is before
    if number == signal.SIGTERM:
        assert caught.value.code == 143  # type: ignore[attr-defined]


def test_one_that_nobody_acted_on_is_acted_on_at_the_end() -> None:
    with pytest.raises(KeyboardInterrupt), StopRequest():
        os.kill(os.getpid(), signal.SIGINT)


def test_an_error_on_the_way_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), StopRequest():
        os.kill(os.getpid(), signal.SIGINT)
        raise ZeroDivisionError


def test_a_lost_process_is_what_a_signal_was_about() -> None:
    with pytest.raises(SystemExit) as caught, StopRequest():
        os.kill(os.getpid(), signal.SIGTERM)
        raise LostProcessError("process 1 has lost another one")
    assert caught.value.code == 143
    with pytest.raises(LostProcessError), StopRequest():
        raise LostProcessError("process 1 has lost another one")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("first", CODES)
@pytest.mark.parametrize("second", CODES)
def test_a_second_one_leaves_at_once(first: signal.Signals, second: signal.Signals) -> None:
    child = os.fork()
    if child == 0:
        with StopRequest():
            os.kill(os.getpid(), first)
            os.kill(os.getpid(), second)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 128 + second


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_second_one_shows_the_cursor_again_on_a_terminal() -> None:
    """A live bar has hidden it."""
    parent, terminal = os.openpty()
    child = os.fork()
    if child == 0:
        os.dup2(terminal, 2)
        with StopRequest():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 130
    assert b"\x1b[?25h" in os.read(parent, 100)
    os.close(terminal)
    os.close(parent)


def test_outside_the_main_thread_handlers_stay() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def run() -> None:
        with StopRequest() as stop:
            seen.append((signal.getsignal(signal.SIGINT), stop.requested))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [(before, False)]
