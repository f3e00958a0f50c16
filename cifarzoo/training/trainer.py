"""The trainer: one loop from a model, a recipe and a data set to trained weights."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from cifarzoo.augment import Pipeline
from cifarzoo.data.loader import ImageSet, Loader
from cifarzoo.errors import SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training import seeding
from cifarzoo.training.allocator import keep_freed_memory
from cifarzoo.training.augmentation import create_pipeline
from cifarzoo.training.averaging import Average
from cifarzoo.training.checks import check_fit, choose_device
from cifarzoo.training.describing import describe_weights
from cifarzoo.training.environment import describe_environment
from cifarzoo.training.evaluation import Evaluation, as_model_expects, evaluate, restated
from cifarzoo.training.guard import Guard, batch_indices, diverged
from cifarzoo.training.history import EpochRecord, History
from cifarzoo.training.losses import Meter, backward
from cifarzoo.training.optim import create_optimizer, set_lr
from cifarzoo.training.pacing import Course, Freezer, resized
from cifarzoo.training.precision import autocast, choose_precision, flushed_denormals
from cifarzoo.training.progress import Progress, create_progress
from cifarzoo.training.run_folder import RunFolder
from cifarzoo.training.signals import StopRequest
from cifarzoo.training.state import RunState


class Trainer:
    """Trains a model by a recipe.

    Args:
        model: any ``nn.Module`` that takes (B, C, H, W) float and gives (B, K) logits; trained in place.
        recipe: what decides the run.
        device: ``auto`` is the first of CUDA, MPS and CPU that this machine has.
        output_dir: the run's folder; None writes nothing.
        resume: ``auto`` goes on with the run that ``output_dir`` holds, ``never`` begins anew.
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

    def fit(self, train: ImageSet, test: ImageSet | None = None) -> History:
        """Train on a data set; the test set draws the curve and gives the result, nothing is selected by it.

        With an ``output_dir`` a run that was broken off goes on where it was, to the same weights bit for bit on a CPU
        with the same threads. Ctrl-C and SIGTERM save first, then leave.

        Args:
            train: uint8 images and targets; any part of a set (``data.subset``) will do.
            test: scored after each epoch.

        Returns:
            The history, an entry an epoch.

        Raises:
            SettingError, RecipeError: model, recipe and data do not fit; nothing has started then.
            ResumeError: ``output_dir`` holds another run.
            DivergedError: the loss is no longer finite.
        """
        check_fit(self.model, self.recipe, train, test)
        pipeline = create_pipeline(self.recipe, train.images.shape[-1])
        if self.allocator:
            keep_freed_memory()
        with (
            StopRequest() as stop,
            self.folder.held(),
            flushed_denormals(),
            seeding.contained(self.device),
            create_progress(self.progress) as progress,
        ):
            return self._run(train, test, pipeline, stop, progress)

    def _run(
        self, train: ImageSet, test: ImageSet | None, pipeline: Pipeline, stop: StopRequest, progress: Progress
    ) -> History:
        """The loop; what surrounds it is in ``fit``."""
        # ---- prepare
        model, recipe, device, precision, folder = self.model, self.recipe, self.device, self.precision, self.folder
        environment = describe_environment(model, device=device, precision=precision, train=train, test=test)
        loader, state = self._start(train, pipeline)
        self.state = state
        test = None if test is None else restated(test, train.mean, train.std)
        forward = torch.compile(model) if recipe.compile else model
        guard = Guard(model, state.optimizer, clip_norm=recipe.clip_norm, device=device)
        course = Course(recipe, len(loader))
        result: Evaluation | None = None

        # ---- resume
        if folder.begin(state, recipe, environment, resume=self.resume):
            progress.say(f"the run in {folder.path} is finished: nothing to do\n{state.history.table()}")
            model.card = folder.card()  # type: ignore[assignment]  # neither Tensor nor Module
            return state.history
        if state.step:
            progress.say(f"going on with the run in {folder.path} after step {state.step}")

        with self._saved_when_stopped(state, progress), Freezer(model, recipe) as freezer:
            while state.meter.images or course.done(state) < 1:
                # ---- train: order, augmentation and dropout depend on seed, epoch and step only
                model.train()
                _seek(loader, state)
                started_s = time.perf_counter() - state.epoch_s
                for images, targets in loader:  # (B, C, H, W), (B,) or (B, K)
                    done = course.done(state)
                    if done == 1:
                        break
                    seeding.seed_step(recipe.seed, state.step)
                    state.lr = course.lr(done)
                    set_lr(state.optimizer, state.lr)
                    freezer.apply(done)
                    guard.remember()
                    loss, logits = backward(
                        forward,
                        resized(images, course.size_px(done)),
                        targets,
                        parts=recipe.accumulate,
                        label_smoothing=recipe.label_smoothing,
                        autocast=lambda: autocast(precision, device),
                    )
                    state.step += 1
                    finite = guard.update(loss, step=state.step)
                    state.meter.add(loss, logits, targets, counted=finite)
                    state.epoch_s = time.perf_counter() - started_s
                    state.average.update(state.step, course.done(state))
                    self._on_step(state.step, loss)
                    if device.type == "cpu" or progress.wants_step():  # elsewhere each reading waits for the device
                        self._report(guard, state, course, loader, progress)
                    folder.checkpoint(state, only_if_due=True)
                    stop.check()
                self._report(guard, state, course, loader, progress)
                # ---- evaluate
                last = course.done(state) == 1
                if last:
                    state.average.finish()
                result = self._score(test, state, last=last, stop=stop)
                record = state.end_epoch(result)
                # ---- save
                folder.record(state.history, final=last)
                folder.checkpoint(state)
                progress.epoch(record, epochs=course.epochs)
                self._on_epoch(record)
                stop.check()

        # ---- finish
        if result is None and test is not None:  # taken up between the last epoch and here
            result = evaluate(model, test, allocator=self.allocator, on_batch=stop.check)
        with_views = None
        if recipe.views > 1 and test is not None:
            with_views = evaluate(model, test, views=recipe.views, allocator=self.allocator, on_batch=stop.check)
            progress.say(f"test {with_views.top1:.2f} % with {recipe.views} views")
        epochs = state.step / len(loader)
        card = describe_weights(
            model, recipe, train, epochs=epochs, history=state.history, result=result, with_views=with_views
        )
        model.card = folder.finish(model.state_dict(), card)  # type: ignore[assignment]  # as above
        progress.say(state.history.table())
        return state.history

    def _start(self, train: ImageSet, pipeline: Pipeline) -> tuple[Loader, RunState]:
        """The loader, and the state before the first step."""
        model, recipe, device = self.model, self.recipe, self.device
        memory_format = torch.channels_last if recipe.channels_last else torch.contiguous_format
        model.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]  # the stub lacks this form
        loader = Loader(
            as_model_expects(model, train),
            recipe.batch_size,
            augment=pipeline,
            seed=recipe.seed,
            device=device,
            memory_format=memory_format,
        )
        state = RunState(
            model=model,
            optimizer=create_optimizer(model, recipe, precision=self.precision),
            average=Average(model, recipe),
            meter=Meter(device),
            history=History(params=sum(parameter.numel() for parameter in model.parameters())),
        )
        return loader, state

    def _score(self, test: ImageSet | None, state: RunState, *, last: bool, stop: StopRequest) -> Evaluation | None:
        """The result on the test set after an epoch, if one is due: of the average, if there is one."""
        if test is None or not (last or (state.epoch + 1) % self.recipe.evaluate_every == 0):
            return None
        precision = "fp32" if last else self.precision  # the last goes onto the card
        with contextlib.nullcontext() if last else state.average.applied():
            return evaluate(self.model, test, precision=precision, allocator=self.allocator, on_batch=stop.check)

    def _report(self, guard: Guard, state: RunState, course: Course, loader: Loader, progress: Progress) -> None:
        """Show how the epoch goes, and act on updates that had to be left out."""
        if progress.wants_step():
            progress.step(state, done=course.done(state))
        count, first = guard.read()
        if not count:
            return
        lr = state.lr if first == state.step else course.lr((first - 1) / course.total)
        images, batch_size = len(loader.dataset.targets), loader.batch_size * loader.world_size
        indices = batch_indices(first, seed=self.recipe.seed, images=images, batch_size=batch_size)
        error = diverged(first, lr=lr, indices=indices, last_good=self.folder.last_good)
        if self.recipe.on_nan == "stop":
            raise error
        progress.say(f"{count} update{'s' * (count > 1)} left out: {error}")

    @contextlib.contextmanager
    def _saved_when_stopped(self, state: RunState, progress: Progress) -> Iterator[None]:
        """Save the state before a signal ends the run; ``stop.check`` raises between steps only."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit):
            self.folder.checkpoint(state)
            go_on = ": the same command goes on from there" if self.folder.path else ""
            progress.say(f"stopped after step {state.step}{go_on}")
            raise


def _seek(loader: Loader, state: RunState) -> None:
    """Let the loader go on after the steps that the state's epoch has had."""
    images = (state.step - state.epoch * len(loader)) * loader.batch_size * loader.world_size
    loader.load_state_dict(
        {"seed": loader.seed, "epoch": state.epoch, "position": images, "images": len(loader.dataset.targets)}
    )


def _ignore(*_: object) -> None:
    """The hook of who has none."""
