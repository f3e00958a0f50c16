"""``cifarzoo verify``: whether weights are intact and do what their card says."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cifarzoo.cli.options import AsJson, Device, Root
from cifarzoo.cli.output import write_json
from cifarzoo.cli.sets import open_set, set_of
from cifarzoo.errors import CifarZooError, DownloadError, IntegrityError, NotFoundError, SettingError

if TYPE_CHECKING:
    from cifarzoo.data import Dataset
    from cifarzoo.models import Classifier

MISMATCH = 1


def verify(
    name: Annotated[
        str | None, typer.Argument(help="Weights (arch.tag), a run's folder or a .safetensors file.")
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Verify all published weights.")] = False,
    root: Root = None,
    device: Device = "cpu",
    as_json: AsJson = False,
) -> None:
    """Check the SHA-256 of weights, then their accuracy on the real test set against their card.

    Top-1, top-5 and calibration error must lie within 0.05 points, in fp32. Without the data only the hash is checked.
    """
    import cifarzoo

    if every == (name is not None):
        raise SettingError("name weights, or give --all")
    if root is not None and not root.is_dir():
        raise SettingError(f"--root {root} is no folder; name the one that holds the data sets")
    names = cifarzoo.list_models(pretrained=True) if name is None else [name]
    reports = []
    for one in names:
        reports.append(_verify(one, root, device, published=every))
        if not as_json:
            _show(reports[-1])
    if as_json:
        write_json(reports)
    elif not names:
        typer.echo("there are no weights to verify")
    if not all(report["ok"] for report in reports):
        raise typer.Exit(MISMATCH)


def _verify(name: str, root: Path | None, device: str, *, published: bool) -> dict[str, Any]:
    """What was found of one set of weights, as JSON values; no fault of a published one is raised."""
    import cifarzoo
    from cifarzoo.training.checks import choose_device
    from cifarzoo.training.verification import compare

    report: dict[str, Any] = {"name": name, "ok": False, "sha256": None, "checks": [], "problem": None, "note": None}
    try:
        model = cifarzoo.create(name, pretrained=True) if published else cifarzoo.load(name)
    except CifarZooError as error:
        if published or isinstance(error, (IntegrityError, DownloadError)):
            return {**report, "problem": str(error)}
        raise
    report = {**report, "sha256": model.card.sha256}
    try:
        checks = compare(model.card, cifarzoo.evaluate(model.to(choose_device(device)), _open(model, root)))
    except NotFoundError as error:
        return {**report, "ok": True, "note": f"only the hash was checked: {error}"}
    except CifarZooError as error:
        return {**report, "problem": str(error)}
    return {
        **report,
        "ok": all(check.holds for check in checks),
        "checks": [{**asdict(check), "holds": check.holds} for check in checks],
    }


def _open(model: Classifier, root: Path | None) -> Dataset:
    """The test set of a model's card; NotFoundError where there is none, another error where it is damaged."""
    card = model.card
    name = set_of(card)
    if name is None:
        raise NotFoundError("the card names no data set")
    try:
        return open_set(name, root, "test", size=None, model_size=card.input_size or model.default_input_size)
    except SettingError as error:  # no folder was named, or a set that is not known here
        raise NotFoundError(str(error)) from None


def _show(report: dict[str, Any]) -> None:
    """A report as a line, with one more for what went wrong or was left out."""
    numbers = ", ".join(
        f"{check['name']} {check['measured']:.2f} (card {check['card']:.2f}{'' if check['holds'] else ': MISMATCH'})"
        for check in report["checks"]
    )
    verdict = "ok" if report["ok"] else "FAILED"
    digest = f"SHA-256 {report['sha256'][:16]}... is right" if report["sha256"] else None
    found = (verdict, digest, report["problem"], numbers)
    typer.echo(f"{report['name']}: {'; '.join(part for part in found if part)}")
    if report["note"]:
        typer.echo(f"  {report['note']}")
