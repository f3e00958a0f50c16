"""``cifarzoo train``: from a name and a data set to a run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cifarzoo.cli.choice import choose, choose_recipe, leaves_batch_size
from cifarzoo.cli.options import (
    RECIPE,
    AsJson,
    Augment,
    BatchSize,
    Data,
    Device,
    Download,
    Images,
    Model,
    ModelSettings,
    Optimizer,
    Pretrained,
    RecipeName,
    Root,
    Seed,
    Settings,
    Size,
)
from cifarzoo.cli.output import is_first_process, write_json
from cifarzoo.errors import SettingError

if TYPE_CHECKING:
    from cifarzoo.training import History
    from cifarzoo.weights import Card

Holdout = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="Keep this share of the training images to select the best epoch by."),
]
Resume = Annotated[str, typer.Option(metavar="HOW", help="auto goes on with the run in the folder, never replaces it.")]
Allocator = Annotated[
    bool,
    typer.Option(help="Keep freed memory in the process: faster under glibc, with more memory at the peak."),
]


def train(
    model: Model = None,
    *,
    data: Data = None,
    root: Root = None,
    output: Annotated[Path, typer.Option(metavar="RUN", help="The folder to write the run to.")],
    model_settings: ModelSettings = None,
    pretrained: Pretrained = None,
    images: Images = None,
    holdout: Holdout = None,
    size: Size = None,
    download: Download = False,
    resume: Resume = "auto",
    device: Device = "auto",
    allocator: Allocator = True,
    recipe: RecipeName = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training images.", rich_help_panel=RECIPE)] = None,
    batch_size: BatchSize = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.", rich_help_panel=RECIPE)] = None,
    optimizer: Optimizer = None,
    augment: Augment = None,
    seed: Seed = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Train a model and write weights, curve and records to a folder."""
    import cifarzoo

    _check_kept(pretrained, output, resume)
    chosen = choose(
        choose_recipe(
            recipe,
            model=model,
            data=data,
            pretrained=pretrained,
            settings=settings,
            epochs=epochs,
            batch_size=batch_size,
            lr=lr,
            optimizer=optimizer,
            augment=augment,
            seed=seed,
        ),
        adapts=leaves_batch_size(recipe, batch_size, settings),
        holdout=holdout,
        model_settings=model_settings,
        pretrained=pretrained,
        root=root,
        images=images,
        size=size,
        download=download,
    )
    cut = None if holdout is None else cifarzoo.data.split(chosen.training, holdout, seed=chosen.recipe.seed)
    training, held_out = cut or (chosen.training, None)
    trainer = cifarzoo.Trainer(
        chosen.network, chosen.recipe, device=device, output_dir=output, resume=resume, allocator=allocator
    )
    history = trainer.fit(training, chosen.open_split("test"), holdout=held_out)
    if is_first_process():
        _report(output, history, chosen.network.card, 0 if held_out is None else len(held_out), as_json=as_json)


def _check_kept(pretrained: str | None, output: Path, resume: str) -> None:
    """Raise SettingError if the weights to begin with are those that the run is about to replace."""
    from cifarzoo.weights.store import RUN_WEIGHTS

    if resume != "never" or pretrained is None:
        return
    if Path(pretrained).resolve() in (output.resolve(), (output / RUN_WEIGHTS).resolve()):
        raise SettingError(
            f"--resume never would clear --output {output} of the weights that --pretrained begins with; choose "
            "another --output"
        )


def _report(output: Path, history: History, card: Card, holdout_images: int, *, as_json: bool) -> None:
    """Say what came out."""
    from cifarzoo.weights.store import RUN_WEIGHTS

    if as_json:
        facts = {"run": str(output), "params": history.params, "train_images": card.train_images}
        of_weights = {"top1": card.top1, "selected_epoch": card.selected_epoch}  # the others are of the last epoch
        write_json({**facts, "holdout_images": holdout_images, **history.last.to_json(), **of_weights})
    else:
        typer.echo(f"weights: {output / RUN_WEIGHTS}\ncurve:   {output / 'loss.png'}")
