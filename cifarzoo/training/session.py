"""What surrounds the loop of a run: signals, the terminal, the other processes, the folder."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from cifarzoo.errors import CifarZooError, LostProcessError
from cifarzoo.training.progress import Progress
from cifarzoo.training.ranks import Ranks
from cifarzoo.training.run_folder import RunFolder
from cifarzoo.training.signals import StopRequest
from cifarzoo.training.state import RunState
from cifarzoo.weights import Card

_STEPS_BETWEEN_TALKS = 10


@dataclass(frozen=True)
class Session:
    """The surroundings of a run in this process."""

    stop: StopRequest
    progress: Progress
    ranks: Ranks
    folder: RunFolder
    resume: str = "auto"
    """What was asked for, as for ``Trainer``."""

    def must_leave(self, device: torch.device, *, step: int = 0) -> bool:
        """Whether a signal has come to any process: all learn of it after the same step.

        Args:
            device: that the processes talk over.
            step: just made; on GPUs several processes ask each other after some steps only, for it takes waiting.
        """
        is_time = self.ranks.world_size == 1 or device.type == "cpu" or step % _STEPS_BETWEEN_TALKS == 0
        return is_time and self.ranks.any(self.stop.requested, device)

    def wants_report(self, device: torch.device) -> bool:
        """Whether to look how a step went: elsewhere than on a CPU that waits for the device."""
        return device.type == "cpu" or self.progress.wants_step()

    def card_of_end(self, device: torch.device) -> Card | None:
        """The card of the finished run, in every process."""
        card = self.folder.card
        text = self.ranks.of_first({}, {"card": None if card is None else card.to_json()}, device)[1]["card"]
        return None if text is None else Card.from_json(text, source="the run's card")

    @contextlib.contextmanager
    def saved_when_stopped(self, state: RunState, device: torch.device) -> Iterator[None]:
        """Save the state before a signal ends the run: it comes to light between steps only.

        Ctrl-C reaches a compiler that torch has started, too: its end is an error here, before the step has changed
        anything.
        """
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            self._save(state)
            with contextlib.suppress(LostProcessError):  # torchrun kills the others as soon as one of them is gone
                self.ranks.any(False, device)
            raise
        except Exception as error:
            if isinstance(error, CifarZooError) or not self.stop.requested:
                raise
            self._save(state)
            self.stop.leave()

    def _save(self, state: RunState) -> None:
        """Keep the state, and say what is kept."""
        self.folder.checkpoint(state)
        self.progress.say(f"stopped after step {state.step}{self._what_is_kept(state)}")

    def _what_is_kept(self, state: RunState) -> str:
        """Where which command will go on."""
        if self.folder.path is None:
            return ""
        command = "the same command" if self.resume == "auto" else "the same command, but with resume='auto',"
        if self.folder.holds(state):
            return f": {command} goes on from there"
        return f", which could not be saved: {command} goes on from {self.folder.last_good or 'the start'}"
