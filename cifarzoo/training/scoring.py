"""When a run is scored, on what, and with which weights."""

from __future__ import annotations

import contextlib

from torch import nn

from cifarzoo.data.loader import ImageSet
from cifarzoo.recipes import Recipe
from cifarzoo.training.evaluation import Evaluation, evaluate, restated
from cifarzoo.training.session import Session
from cifarzoo.training.state import RunState


class Scorer:
    """Scores a run's model on its test set and on what was held out to select by.

    Args:
        model: the raw module.
        recipe: how often, and with how many views at the end.
        session: of the run.
        train: whose mean and std the other sets are seen under.
        test: None if there is none.
        holdout: likewise.
        precision: of all evaluations but the last, which goes onto the card and is in fp32.
        allocator: see ``evaluate``.
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        session: Session,
        *,
        train: ImageSet,
        test: ImageSet | None,
        holdout: ImageSet | None,
        precision: str,
        allocator: bool,
    ) -> None:
        self._model, self._recipe, self._session = model, recipe, session
        self._precision, self._allocator = precision, allocator
        self._test, self._holdout = (
            None if part is None else restated(part, mean=train.mean, std=train.std) for part in (test, holdout)
        )
        self._last: Evaluation | None = None

    def epoch(self, state: RunState, *, last: bool) -> tuple[Evaluation | None, Evaluation | None]:
        """The results of an epoch on the test set and on the held out one, of the average if there is one.

        The weights that do best on the held out set are kept.
        """
        result = held_out = None
        precision = "fp32" if last else self._precision
        with contextlib.nullcontext() if last else state.average.applied():
            if self._test is not None and (last or (state.epoch + 1) % self._recipe.evaluate_every == 0):
                result = self._evaluate(self._test, precision=precision)
            if self._holdout is not None:
                held_out = self._evaluate(self._holdout)
                state.selection.offer(held_out.top1, epoch=state.epoch + 1)
        self._last = result if last else None
        return result, held_out

    def final(self, state: RunState) -> tuple[Evaluation | None, Evaluation | None]:
        """Take the selected weights, and give their results on the test set: with one view, and with the recipe's."""
        if state.selection.kept:
            state.selection.finish()
            self._last = None  # it was of the last epoch
        result = None if self._test is None else self._last or self._evaluate(self._test)
        if state.selection.epoch is not None:
            scored = "" if result is None else f", test {result.top1:.2f} %"
            best = f"kept the weights of epoch {state.selection.epoch}: held out {state.selection.top1:.2f} %"
            self._session.progress.say(f"{best}{scored}")
        with_views = None
        if self._test is not None and self._recipe.views > 1:
            with_views = self._evaluate(self._test, views=self._recipe.views)
            self._session.progress.say(f"test {with_views.top1:.2f} % with {with_views.views} views")
        return result, with_views

    def _evaluate(self, dataset: ImageSet, *, precision: str = "fp32", views: int = 1) -> Evaluation:
        alone = self._session.ranks.world_size == 1  # several processes leave together, after it
        return evaluate(
            self._model,
            dataset,
            views=views,
            precision=precision,
            allocator=self._allocator,
            on_batch=self._session.stop.check if alone else None,
            ranks=self._session.ranks,
        )
