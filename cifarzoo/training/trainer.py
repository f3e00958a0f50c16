"""The trainer: one loop from a model, a recipe and a data set to trained weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from cifarzoo.data.loader import ImageSet, Loader
from cifarzoo.errors import SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training import seeding
from cifarzoo.training.allocator import keep_freed_memory
from cifarzoo.training.averaging import Average
from cifarzoo.training.batches import create_loader, memory_format
from cifarzoo.training.checks import check_fit, check_outputs, choose_device
from cifarzoo.training.describing import describe_weights
from cifarzoo.training.environment import describe_environment, describe_start
from cifarzoo.training.evaluation import as_model_expects
from cifarzoo.training.guard import Guard, batch_indices, diverged
from cifarzoo.training.history import EpochRecord, History
from cifarzoo.training.losses import Meter, backward, batch_sums
from cifarzoo.training.optim import create_optimizer, set_lr
from cifarzoo.training.pacing import Course, Freezer
from cifarzoo.training.precision import autocast, choose_precision, flushed_denormals
from cifarzoo.training.preparing import initialize_from_data
from cifarzoo.training.progress import create_progress
from cifarzoo.training.ranks import Ranks, joined, restarted
from cifarzoo.training.run_folder import RunFolder
from cifarzoo.training.scoring import Scorer
from cifarzoo.training.selection import Selection
from cifarzoo.training.session import Session
from cifarzoo.training.signals import StopRequest
from cifarzoo.training.state import RunState


class Trainer:
    """Trains a model by a recipe.

    Args:
        model: any ``nn.Module`` that takes (B, C, H, W) float and gives (B, K) logits; trained in place.
        recipe: what decides the run.
        device: ``auto`` is the first of CUDA, MPS and CPU that this machine has.
        output_dir: the run's folder; None writes nothing.
        resume: ``auto`` goes on with the run that ``output_dir`` holds, ``never`` begins anew (but not at each restart
            by torchrun).
        progress: show a bar on a terminal, lines elsewhere (on stderr).
        on_epoch: called after each epoch with its record.
        on_step: called after each step with its number (from 1) and its loss, a tensor on the device.
        allocator: keep freed memory in the process (``training.keep_freed_memory``).
        checkpoint_every_s: seconds from one checkpoint to the next within an epoch; each epoch ends with one.

    Attributes:
        state: model, optimiser, history and step of the last ``fit``; None before it.
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        *,
        device: torch.device | str = "auto",
        output_dir: Path | str | None = None,
        resume: str = "auto",
        progress: bool = True,
        on_epoch: Callable[[EpochRecord], None] | None = None,
        on_step: Callable[[int, Tensor], None] | None = None,
        allocator: bool = True,
        checkpoint_every_s: float = 600.0,
    ) -> None:
        if resume not in ("auto", "never"):
            raise SettingError(f"resume (={resume!r}) must be 'auto' or 'never'")
        self.model, self.recipe, self.resume, self.progress, self.allocator = model, recipe, resume, progress, allocator
        self.device = choose_device(device)
        self.precision = choose_precision(recipe.precision, self.device)
        self.folder = RunFolder(output_dir, checkpoint_every_s=checkpoint_every_s)
        self.state: RunState | None = None
        self._on_epoch, self._on_step = on_epoch or _ignore, on_step or _ignore

    def fit(self, train: ImageSet, test: ImageSet | None = None, *, holdout: ImageSet | None = None) -> History:
        """Train on a data set; the test set draws the curve and gives the result, nothing is selected by it.

        With an ``output_dir`` a run that was broken off goes on where it was, to the same weights bit for bit on a CPU
        with the same threads. Ctrl-C and SIGTERM save first, then leave.

        Args:
            train: uint8 images and targets; any part of a set (``data.subset``) will do.
            test: scored after each epoch.
            holdout: images apart from both (``data.split``); the weights of the epoch that does best on them are kept.

        Returns:
            The history, an entry an epoch.

        Raises:
            SettingError, RecipeError: model, recipe and data do not fit; nothing has started then.
            ResumeError: ``output_dir`` holds another run.
            DivergedError: the loss is no longer finite.
        """
        check_fit(self.model, self.recipe, train, test, holdout)
        check_outputs(
            self.model.to(self.device),
            train,
            test,
            holdout,
            sides_px=[side for _, side in self.recipe.sizes],
            precision=self.precision,
            device=self.device,
        )
        if self.allocator:
            keep_freed_memory()
        with StopRequest() as stop, flushed_denormals(), seeding.contained(self.device), joined(self.device) as ranks:
            loader = create_loader(self.model, self.recipe, train, device=self.device, ranks=ranks)
            folder = self.folder if ranks.writes else RunFolder(None)
            with folder.held(), create_progress(self.progress and ranks.writes) as progress:
                return self._run(loader, train, test, holdout, Session(stop, progress, ranks, folder, self.resume))

    def _run(
        self,
        loader: Loader,
        train: ImageSet,
        test: ImageSet | None,
        holdout: ImageSet | None,
        session: Session,
    ) -> History:
        """The loop; what surrounds it is in ``fit``."""
        # ---- prepare
        model, recipe, device, ranks, folder = self.model, self.recipe, self.device, session.ranks, session.folder
        environment = describe_environment(
            model,
            device=device,
            precision=self.precision,
            world_size=ranks.world_size,
            seed=recipe.seed,
            data={"train": as_model_expects(model, train), "test": test, "holdout": holdout},
        )
        if folder.path is not None or getattr(model, "card", None) is not None:  # which say what training began with
            environment |= describe_start(model)
        self.state = state = self._start(ranks, steps_per_epoch=len(loader), selects=holdout is not None)
        forward = torch.compile(model, dynamic=False) if recipe.compile else model  # each size for itself
        guard = Guard(model, state.optimizer, clip_norm=recipe.clip_norm, device=device)
        course, freezer = Course(recipe, len(loader)), Freezer(model, recipe)
        scorer = Scorer(
            model,
            recipe,
            session,
            train=train,
            test=test,
            holdout=holdout,
            precision=self.precision,
            allocator=self.allocator,
        )

        # ---- resume
        finished = folder.begin(state, recipe, environment, resume="auto" if restarted() else self.resume)
        if ranks.writes and not finished and not state.step:
            initialize_from_data(model, train)
            state.average.begin()
        if state.share(ranks, finished, device):
            session.progress.say(f"the run in {folder.path} is finished: nothing to do\n{state.history.table()}")
            model.card = session.card_of_end(device)  # type: ignore[assignment]  # neither Tensor nor Module
            return state.history
        if state.step:
            session.progress.say(f"going on with the run in {folder.path} after step {state.step}")

        with session.saved_when_stopped(state, device), freezer:
            while state.images or course.done(state) < 1:
                # ---- train: order, augmentation and dropout depend on seed, epoch and step only
                model.train()
                _seek(loader, state)
                started_s = time.perf_counter() - state.epoch_s
                for images, targets in loader:  # (B, C, H, W), (B,) or (B, K)
                    done = course.done(state)
                    if done == 1:
                        break
                    seeding.seed_step(recipe.seed, state.step, rank=ranks.rank)
                    state.lr = course.lr(done)
                    set_lr(state.optimizer, state.lr)
                    freezer.apply(done)
                    guard.remember()
                    loss, logits = backward(
                        forward,
                        course.shrink(images, done, seeding.step_draws(recipe.seed, state.step, images, ranks.rank)),
                        targets,
                        parts=recipe.accumulate,
                        label_smoothing=recipe.label_smoothing,
                        autocast=lambda: autocast(self.precision, device),
                    )
                    sums = ranks.reduce(guard.exchanged(), batch_sums(loss, logits, targets))  # (3,)
                    loss = sums[0] / sums[2]
                    state.step += 1
                    state.images += recipe.batch_size
                    finite = guard.update(loss, step=state.step)
                    state.meter.add(sums, counted=finite)
                    state.epoch_s = time.perf_counter() - started_s
                    state.average.update(state.step, course.done(state))
                    self._on_step(state.step, loss)
                    self._after_step(guard, state, course, loader, session)
                self._report(guard, state, course, loader, session)
                state.epoch_s = time.perf_counter() - started_s  # a GPU has done all that it was given
                # ---- evaluate
                last = course.done(state) == 1
                if last:
                    state.average.finish()
                record = state.end_epoch(*scorer.epoch(state, last=last))
                # ---- save
                folder.record(state.history, final=last)
                folder.checkpoint(state)
                session.progress.epoch(record, epochs=course.epochs)
                self._on_epoch(record)
                if session.must_leave(device):
                    session.stop.leave()

        # ---- finish
        result, with_views = scorer.final(state)
        epochs = state.step / len(loader)
        card = describe_weights(
            model,
            recipe,
            train,
            epochs=epochs,
            history=state.history,
            result=result,
            with_views=with_views,
            selection=state.selection,
            begun_from=folder.began.get("begun_from"),
            precision=self.precision,
        )
        model.card = folder.finish(model.state_dict(), card, state.history)  # type: ignore[assignment]  # as above
        session.progress.say(state.history.table())
        return state.history

    def _start(self, ranks: Ranks, *, steps_per_epoch: int, selects: bool) -> RunState:
        """The state before the first step."""
        model, recipe, device = self.model, self.recipe, self.device
        ranks.sync_norms(model, recipe, device)
        model.to(device=device, memory_format=memory_format(recipe))  # type: ignore[call-overload]  # lacks this form
        return RunState(
            model=model,
            optimizer=create_optimizer(model, recipe, precision=self.precision),
            average=Average(model, recipe),
            selection=Selection(model, enabled=selects),
            meter=Meter(device),
            history=History(params=sum(each.numel() for each in model.parameters()), steps_per_epoch=steps_per_epoch),
        )

    def _after_step(self, guard: Guard, state: RunState, course: Course, loader: Loader, session: Session) -> None:
        """Report, save and leave, each if it is time."""
        due = session.folder.due()
        if due or session.wants_report(self.device):  # a checkpoint does not hold what the guard has counted
            self._report(guard, state, course, loader, session)
        if due:
            session.folder.checkpoint(state)
        if session.must_leave(self.device, step=state.step):
            self._report(guard, state, course, loader, session)  # whichever process was asked to stop
            session.stop.leave()

    def _report(self, guard: Guard, state: RunState, course: Course, loader: Loader, session: Session) -> None:
        """Show how the epoch goes, and act on updates that had to be left out."""
        if session.progress.wants_step():
            session.progress.step(state, done=course.done(state))
        count, first = guard.read()
        if not count:
            return
        lr = state.lr if first == state.step else course.lr((first - 1) / course.total)
        images, recipe = len(loader.dataset.targets), self.recipe
        indices = batch_indices(first, seed=recipe.seed, images=images, batch_size=recipe.batch_size)
        error = diverged(first, lr=lr, indices=indices, last_good=session.folder.last_good)
        if recipe.on_nan == "stop":
            raise error
        session.progress.say(f"{count} update{'s' * (count > 1)} left out: {error}")


def _seek(loader: Loader, state: RunState) -> None:
    """Let the loader go on after the steps that the state's epoch has had."""
    images = (state.step - state.epoch * len(loader)) * loader.batch_size * loader.world_size
    loader.load_state_dict(
        {"seed": loader.seed, "epoch": state.epoch, "position": images, "images": len(loader.dataset.targets)}
    )


def _ignore(*_: object) -> None:
    """The hook of who has none."""
