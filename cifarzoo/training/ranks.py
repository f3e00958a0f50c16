"""Training in several processes that share each batch: started by torchrun, joined by gloo on CPUs and nccl on GPUs."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from cifarzoo.errors import LostProcessError, RecipeError
from cifarzoo.recipes import Recipe

_TIMEOUT_S = 60.0  # after which a process gives the others up


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """This process among those that train together; alone, everything here leaves its input as it is.

    All processes hold the same weights, optimiser, averages and running statistics after each step, so that any one of
    them can write the state and any number of restarts goes on from it.
    """

    rank: int = 0
    world_size: int = 1

    @property
    def writes(self) -> bool:
        """Whether this is the process that writes files and shows progress."""
        return self.rank == 0

    def share_of(self, recipe: Recipe) -> int:
        """Images a step of this process.

        Raises:
            RecipeError: the batch cannot be shared out evenly, or the clocks of several processes would decide.
        """
        if recipe.batch_size % self.world_size:
            raise RecipeError(
                f"batch_size (={recipe.batch_size}) must be a multiple of the {self.world_size} processes; nearest: "
                f"{max(1, round(recipe.batch_size / self.world_size)) * self.world_size}"
            )
        if recipe.seconds and self.world_size > 1:
            raise RecipeError(f"seconds (={recipe.seconds}) needs one process, for clocks differ; set steps instead")
        return recipe.batch_size // self.world_size

    def sync_norms(self, model: nn.Module, recipe: Recipe, device: torch.device) -> None:
        """Let the model's batch norms work over all processes, if the recipe asks for it and there are several.

        Raises:
            RecipeError: not on GPUs, where torch alone can do it.
        """
        if not recipe.sync_batch_norm or self.world_size == 1:
            return
        if device.type != "cuda":
            raise RecipeError(f"sync_batch_norm needs GPUs, not {device.type!r}; leave it out: norms are then local")
        nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]  # in place, but for a bare norm

    @torch.no_grad()
    def reduce(self, tensors: Sequence[Tensor], sums: Tensor) -> Tensor:
        """Average tensors over the processes, in place, and add up what is to be summed, in one message.

        Args:
            tensors: float, of equal shapes in all processes: gradients and running statistics.
            sums: (n,) of any float type.

        Returns:
            The sums, (n,).
        """
        if self.world_size == 1:
            return sums
        flat = torch.cat([*(tensor.float().flatten() for tensor in tensors), sums.float()])
        self._add_up(flat)
        parts = torch.split(flat, [*(tensor.numel() for tensor in tensors), len(sums)])
        for tensor, part in zip(tensors, parts[:-1], strict=True):
            tensor.copy_(part.view(tensor.shape) / self.world_size)
        total: Tensor = parts[-1].to(sums.dtype)
        return total

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether the flag is up in any process."""
        if self.world_size == 1:
            return flag
        found = torch.tensor(float(flag), device=device)
        self._add_up(found)
        return bool(found)

    def gather(self, rows: Tensor, places: Tensor, count: int) -> Tensor:
        """Put the rows of all processes together.

        Args:
            rows: (m, K) float32 of this process.
            places: (m,) int64, where they belong; each place is some process's.
            count: of all rows.

        Returns:
            (count, K).
        """
        if self.world_size == 1:
            return rows
        whole = rows.new_zeros(count, rows.shape[1])
        whole[places] = rows
        self._add_up(whole)  # all but one process add 0: exact
        return whole

    @torch.no_grad()
    def of_first(
        self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], device: torch.device
    ) -> tuple[Mapping[str, Tensor], Mapping[str, Any]]:
        """Rank 0's tensors and JSON values, in every process; the tensors have equal names and shapes in all."""
        if self.world_size == 1:
            return tensors, facts
        text = json.dumps(facts).encode()
        size = torch.tensor(len(text), device=device)
        self._copy_of_first(size)
        message = torch.zeros(int(size), dtype=torch.uint8, device=device)
        if self.rank == 0:
            message.copy_(torch.frombuffer(bytearray(text), dtype=torch.uint8))
        self._copy_of_first(message)
        copies = {name: tensor.to(device, memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
        for copy in copies.values():
            self._copy_of_first(copy)
        return copies, json.loads(bytes(message.cpu().tolist()))

    def _add_up(self, tensor: Tensor) -> None:
        """Replace the tensor by its sum over the processes."""
        with _answered(self.rank):
            dist.all_reduce(tensor)

    def _copy_of_first(self, tensor: Tensor) -> None:
        """Replace the tensor by that of rank 0."""
        with _answered(self.rank):
            dist.broadcast(tensor, 0)


@contextlib.contextmanager
def _answered(rank: int) -> Iterator[None]:
    """Say plainly what the library of messages between processes reports when another one is gone."""
    try:
        yield
    except RuntimeError as error:
        raise LostProcessError(
            f"process {rank} has lost another one, which has ended or has not answered for {_TIMEOUT_S:.0f} s: see "
            "what it said; the same command goes on from the last checkpoint, torchrun --max-restarts 3 by itself"
        ) from error


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[Ranks]:
    """Join the processes that torchrun started, and leave them at the end; alone if there are none.

    A process that dies, or does not answer within a minute, is an error in all others.

    Raises:
        LostProcessError: the others do not come within a minute.
    """
    if dist.is_initialized():  # the caller has made the group, and keeps it
        yield Ranks(rank=dist.get_rank(), world_size=dist.get_world_size())
        return
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    if world_size == 1:
        yield Ranks()
        return
    if device.type == "cuda":
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    with _answered(int(os.environ.get("RANK", "0"))):
        store, rank, world_size = _meeting_place()
        dist.init_process_group(
            backend, store=store, rank=rank, world_size=world_size, timeout=timedelta(seconds=_TIMEOUT_S)
        )
    try:
        yield Ranks(rank=dist.get_rank(), world_size=world_size)
    finally:
        dist.destroy_process_group()


def restarted() -> bool:
    """Whether torchrun has begun this process anew after another one was lost."""
    return os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


def _meeting_place() -> tuple[Store, int, int]:
    """Where processes leave their addresses for each other, the rank of this one, and how many there are.

    torchrun keeps one store through all restarts, so that a process may read the address of one that is dead. On one
    machine the number of the restart keeps them apart; several machines may disagree about it.
    """
    store, rank, world_size = next(rendezvous("env://", timeout=timedelta(seconds=_TIMEOUT_S)))
    store.set_timeout(timedelta(seconds=_TIMEOUT_S))
    restart = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") if os.environ.get("GROUP_WORLD_SIZE") == "1" else "0"
    return PrefixStore(f"restart-{restart}", store), rank, world_size
