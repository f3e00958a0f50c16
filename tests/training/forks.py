"""Work in processes of its own, to be killed or to talk to each other."""

from __future__ import annotations

import os
from collections.abc import Callable


def forked(work: Callable[[], object]) -> int:
    """Begin the work in a process of its own, which ends with the code that a command would give; its id."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except SystemExit as error:
            os._exit(error.code)  # type: ignore[arg-type]  # a number here
        except KeyboardInterrupt:
            os._exit(130)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(1)
        os._exit(0)
    return child


def exit_code(child: int) -> int:
    """Wait for the process to end; minus its signal's number where one has ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
