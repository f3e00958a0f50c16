"""What a run is at a moment: everything that decides how it goes on, as tensors and JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from cifarzoo.errors import ResumeError
from cifarzoo.training.averaging import Average
from cifarzoo.training.evaluation import Evaluation
from cifarzoo.training.history import EpochRecord, History
from cifarzoo.training.losses import Meter
from cifarzoo.training.ranks import Ranks
from cifarzoo.training.selection import Selection


@dataclass(kw_only=True)
class RunState:
    """A run between two steps.

    Order and augmentation are pure functions of (seed, epoch, image), dropout of (seed, step): no generator is kept.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    average: Average
    selection: Selection
    meter: Meter
    history: History = field(default_factory=History)
    step: int = 0
    """Steps done since the start of the run."""
    images: int = 0
    """Images that the epoch under way has used, over all processes."""
    epoch_s: float = 0.0
    """Seconds spent on the steps of the epoch that is under way."""
    lr: float = 0.0
    """Learning rate of the last step."""

    @property
    def epoch(self) -> int:
        """The epoch under way, from 0: it ends when its record is written, not with its last step."""
        return len(self.history.records)

    @property
    def elapsed_s(self) -> float:
        """Seconds spent on all steps so far."""
        return sum(record.seconds for record in self.history.records) + self.epoch_s

    def end_epoch(self, result: Evaluation | None, held_out: Evaluation | None = None) -> EpochRecord:
        """Enter the epoch, with its results on the test set and on the held out one, into the history."""
        loss, top1 = self.meter.read()
        record = EpochRecord(
            epoch=self.epoch + 1,
            step=self.step,
            lr=self.lr,
            train_loss=loss,
            train_top1=top1,
            test_loss=None if result is None else result.loss,
            test_top1=None if result is None else result.top1,
            holdout_top1=None if held_out is None else held_out.top1,
            seconds=self.epoch_s,
            images_per_s=self.images_per_s,
        )
        self.history.records.append(record)
        self.meter.reset()
        self.images, self.epoch_s = 0, 0.0
        return record

    @property
    def images_per_s(self) -> float:
        """Images a second in the epoch under way; 0 before its first step."""
        return self.images / self.epoch_s if self.epoch_s else 0.0

    def tensors(self) -> dict[str, Tensor]:
        """Every tensor of the state by name: those in use, not copies."""
        found = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        found |= {f"optimizer.{name}": tensor for name, tensor in _optimizer_tensors(self.optimizer).items()}
        found |= {f"average.{place}": tensor for place, tensor in enumerate(self.average.shadow)}
        found |= {f"selection.{place}": tensor for place, tensor in enumerate(self.selection.kept)}
        found["meter.sums"] = self.meter.sums
        return found

    def facts(self) -> dict[str, Any]:
        """The rest of the state, as JSON values."""
        return {
            "step": self.step,
            "epoch_s": self.epoch_s,
            "lr": self.lr,
            "average_updates": self.average.updates,
            "selection_top1": self.selection.top1,
            "selection_epoch": self.selection.epoch,
            "images": self.images,
            "records": [asdict(record) for record in self.history.records],
        }

    def restore(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Become the state that was captured.

        Raises:
            ResumeError: the tensors are not those of this model and optimiser.
        """
        own = self.tensors()
        if own.keys() != tensors.keys() or any(own[name].shape != tensors[name].shape for name in own):
            raise ResumeError(
                "the checkpoint holds other tensors than this model and optimiser have; resume='never' begins anew"
            )
        # Both write in place: memory order and aliases stay. A layer may want to know that its weights were loaded.
        self.model.load_state_dict({name: tensors[f"model.{name}"] for name in self.model.state_dict()})
        with torch.no_grad():
            for name, tensor in own.items():
                if not name.startswith("model."):
                    tensor.copy_(tensors[name])
        self.step, self.epoch_s, self.lr = facts["step"], facts["epoch_s"], facts["lr"]
        self.selection.top1, self.selection.epoch = facts["selection_top1"], facts["selection_epoch"]
        self.average.updates, self.images = facts["average_updates"], facts["images"]
        self.history.records[:] = [EpochRecord(**record) for record in facts["records"]]

    def share(self, ranks: Ranks, finished: bool, device: torch.device) -> bool:
        """Become what the state of rank 0 is, in every process; whether its run is finished, in every process too."""
        if ranks.world_size == 1:
            return finished
        tensors, facts = ranks.of_first(self.tensors(), {"state": self.facts(), "finished": finished}, device)
        self.restore(tensors, facts["state"])
        return bool(facts["finished"])


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimiser's tensors, named by the place of their parameter and their key."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return {
        f"{place}.{key}": value
        for place, parameter in enumerate(parameters)
        for key, value in optimizer.state[parameter].items()
        if isinstance(value, Tensor)
    }
