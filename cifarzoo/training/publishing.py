"""From a finished run to published weights: stored in half precision, measured as stored, described in full."""

from __future__ import annotations

import copy
import json
import re
import shlex
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cifarzoo import files, recipes, registry
from cifarzoo.data.catalog import ENTRIES
from cifarzoo.data.loader import ImageSet
from cifarzoo.errors import CifarZooError, RecipeError, SettingError
from cifarzoo.recipes import Recipe
from cifarzoo.training.evaluation import Evaluation, evaluate
from cifarzoo.training.flops import training_pflop
from cifarzoo.training.history import History
from cifarzoo.weights import Card, load_weights, save_weights, statements

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
MOST_LOSS = 0.02  # points of top-1 that storing in half precision may cost: two images of ten thousand
VIEWS = 6
_FEW = 4096  # tensors of so few numbers (norms, stems) stay in fp32: they cost nothing, and rounding them costs most


def publish(
    run: Path | str,
    name: str,
    model: nn.Module,
    test: ImageSet,
    *,
    folder: Path | str,
    dtype: str = "fp16",
    other_seeds: Sequence[Path | str] = (),
    urls: Sequence[str] = (),
    hub_id: str | None = None,
    allow_loss: bool = False,
) -> Card:
    """Write ``<name>.safetensors`` and its card into a folder.

    Args:
        run: the folder of a finished run.
        name: ``arch.tag``.
        model: that of the run, as ``cifarzoo.load(run)`` gives it.
        test: the whole test set; everything the card says of accuracy is measured here, on the numbers as stored.
        folder: where to write.
        dtype: ``fp16``, ``bf16`` or ``fp32``.
        other_seeds: folders of runs that differ in nothing but the seed.
        urls: where the file will be had, the first one first.
        hub_id: of a repository on a hub that will have it.
        allow_loss: publish even where half precision costs more than ``MOST_LOSS`` points.

    Returns:
        The card as written.

    Raises:
        SettingError: a run that is not finished or not the same but for its seed, a name that is not the model's,
            another dtype, or a folder that cannot be written.
        CifarZooError: half precision costs too much.
    """
    card, history = _finished(run, name)
    with files.writing(folder):  # said before the measurements, not after them
        Path(folder).mkdir(parents=True, exist_ok=True)
    state = rounded(model.state_dict(), dtype)
    stored = copy.deepcopy(model)
    stored.load_state_dict(dict(state))
    before, after = evaluate(model, test), evaluate(stored, test)
    loss = before.top1 - after.top1
    if loss > MOST_LOSS + 1e-9 and not allow_loss:
        raise CifarZooError(
            f"stored in {dtype} {name} loses {loss:.2f} points of top-1 ({before.top1:.2f} to {after.top1:.2f}; the "
            f"limit is {MOST_LOSS}); take another --dtype ({', '.join(DTYPES)}), or --allow-loss"
        )
    described = replace(
        describe(card, name, after, with_views=evaluate(stored, test, views=VIEWS), fp32=before),
        settings=registry.resolved(card.arch, card.settings),
        dtype=str(DTYPES[dtype]).removeprefix("torch."),
        seeds=summarize_seeds([card, *(load_weights(other)[1] for other in other_seeds)]),
        pflop=pflop_of(card, model, history),
        train_loss=history.last.train_loss,
        urls=list(urls) or None,
        hub_id=hub_id,
    )
    with files.writing(folder):
        return save_weights(state, described, Path(folder) / f"{name}.safetensors")


def _finished(run: Path | str, name: str) -> tuple[Card, History]:
    """The card and history of a finished run; SettingError if it is not, or if ``name`` is not its own."""
    _, card = load_weights(run)
    history = History.read(run)
    if not history.ends_after(card.epochs):
        raise SettingError(f"{run} is not finished: {history.last.epoch} of {card.epochs} epochs; let it end first")
    arch, _, tag = name.partition(".")
    if arch != card.arch or not re.fullmatch(r"\w[\w-]*", tag):
        raise SettingError(
            f"name (={name!r}) must be {card.arch}.TAG: the run's model, and a tag of letters, digits, _ and -"
        )
    return card, history


def rounded(state: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """The state with its large floating tensors in another dtype.

    Raises:
        SettingError: an unknown dtype, or one that does not reach as far as the weights.
    """
    if dtype not in DTYPES:
        raise SettingError(f"dtype (={dtype!r}) must be one of: {', '.join(DTYPES)}")
    found = {
        name: tensor.to(DTYPES[dtype]) if tensor.is_floating_point() and tensor.numel() > _FEW else tensor
        for name, tensor in state.items()
    }
    for name, tensor in found.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise SettingError(f"{name} has numbers that are infinite or too large for {dtype}; take bf16 or fp32")
    return found


def describe(card: Card, name: str, result: Evaluation, *, with_views: Evaluation, fp32: Evaluation) -> Card:
    """A run's card with what was measured of the stored weights, and what every published card says."""
    return replace(
        card,
        tag=name.partition(".")[2],
        label_order=statements.label_order(card.dataset),
        top1=result.top1,
        top5=result.top5,
        top1_views=with_views.top1,
        views=with_views.views,
        ece=result.ece,
        dtype_loss=round(fp32.top1 - result.top1, 4),
        per_class=dict(result.per_class),
        command=command_of(card, name),
        license=statements.LICENSE,
        data_license=statements.data_license(card.dataset),
        near_duplicates=statements.near_duplicates(card.dataset),
        intended_use=statements.intended_use(card.dataset, size_px=card.input_size, num_classes=card.num_classes),
        limits=statements.LIMITS,
        created=datetime.now(UTC).date().isoformat(),
    )


def summarize_seeds(cards: Sequence[Card]) -> dict[str, Any]:
    """The results of runs that differ in their seed only: each, their mean and standard deviation.

    They are those of the runs as trained, before rounding: a card's ``top1`` may differ from its own run's by a little.

    Raises:
        SettingError: a run that differs in more, or a seed that is there twice.
    """
    first = cards[0]
    for other in cards[1:]:
        if _all_but_seed(other) != _all_but_seed(first):
            raise SettingError(f"the run of seed {other.seed} is not that of seed {first.seed} with another seed")
    seeds = [card.seed for card in cards]
    if len(set(seeds)) < len(seeds):
        raise SettingError(f"the runs have seeds {seeds}; each must be there once")
    found: dict[str, Any] = {"n": len(cards), "seeds": seeds}
    for key in ("top1", "top1_views"):
        values = [value for card in cards if (value := getattr(card, key)) is not None]
        if len(values) == len(cards):
            found[key] = values
            found[f"{key}_mean"] = statistics.fmean(values)
            found[f"{key}_std"] = statistics.stdev(values) if len(values) > 1 else None
    return found


def command_of(card: Card, name: str) -> str | None:
    """The command that makes the weights again: its recipe is a named one, or that of the weights' own card.

    None where no command does: training began with other weights, or saw a part of the set only.
    """
    recipe = _recipe(card)
    if recipe is None or card.begun_from is not None or card.selected_epoch is not None or not _saw_all(card):
        return None
    of_folder = recipe.data == "folder"  # which names the set after itself
    words = ["cifarzoo", "train", card.arch, "--data", "folder" if of_folder else str(card.dataset), "--root", "DIR"]
    words += ["--size", str(card.input_size)] if of_folder else []
    try:
        named = recipes.get(recipe.name).replace(model=recipe.model, data=recipe.data, seed=recipe.seed) == recipe
    except RecipeError:
        named = False
    words += ["--recipe", recipe.name, "--seed", str(recipe.seed)] if named else ["--recipe", name]
    return shlex.join([*words, *settings_words(card.arch, card.settings), "--output", "RUN"])


def settings_words(arch: str, settings: Mapping[str, Any]) -> list[str]:
    """A model's settings on a command line, as far as they are not the registered ones."""
    registered = registry.resolved(arch, {})
    changed = [
        (key, value)
        for key, value in registry.resolved(arch, settings).items()
        if key not in registered or value != registered[key]
    ]
    return [word for key, value in changed for word in ("--model-set", f"{key}={json.dumps(value)}")]


def pflop_of(card: Card, model: nn.Module, history: History) -> float | None:
    """What the run of a card and a history cost in 10^15 operations; None where the card does not say enough."""
    recipe = _recipe(card)
    if recipe is None or card.epochs is None or card.train_images is None or card.input_size is None:
        return card.pflop
    of_epoch = card.train_images // recipe.batch_size * recipe.batch_size  # what makes no whole batch is left out
    images = card.epochs * of_epoch
    return training_pflop(model, recipe, images=images, size_px=card.input_size, history=history)


def _saw_all(card: Card) -> bool:
    """Whether the training images are all that the set has, as far as its size is known."""
    known = ENTRIES.get(card.dataset or "")
    if known is None or known.spec is None:
        return True
    return card.train_images == known.spec.num_classes * known.spec.per_class["train"]


def _recipe(card: Card) -> Recipe | None:
    """The recipe on a card."""
    return None if card.recipe is None else Recipe.from_json(json.dumps(card.recipe), source=f"{card.arch}'s recipe")


def _all_but_seed(card: Card) -> tuple[Any, ...]:
    """What runs of several seeds share."""
    recipe = _recipe(card)
    of_recipe = None if recipe is None else recipe.replace(seed=0)
    settings = registry.resolved(card.arch, card.settings)
    return card.arch, settings, card.dataset, card.train_images, card.in_channels, of_recipe
