"""``cifarzoo list`` and ``cifarzoo info``: which models there are."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cifarzoo.cli.options import AsJson
from cifarzoo.cli.output import NOTHING, markdown_table, millions, write_fields, write_json, write_table

if TYPE_CHECKING:
    from cifarzoo.recipes import ReportRow
    from cifarzoo.registry import ModelSpec

COLUMNS = ("model", "params", "MACs", "input", "report's top-1 %")


def list_models(
    pattern: Annotated[str, typer.Argument(help="A shell pattern, such as '*resnet*'.")] = "*",
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a table in Markdown.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the models with their size, their cost and the accuracy that the report reached with them."""
    from cifarzoo import factory

    specs = [factory.model_info(name) for name in factory.list_models(pattern)]
    specs.sort(key=lambda spec: (spec.input_size, spec.params))
    if as_json:
        write_json([_record(spec) for spec in specs])
    elif markdown:
        typer.echo(markdown_table((*COLUMNS, "what"), [(*_row(spec), spec.summary) for spec in specs]))
    else:
        write_table(COLUMNS, [_row(spec) for spec in specs])


def info(
    name: Annotated[str, typer.Argument(help="A model, as `cifarzoo list` names it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what is known of one model."""
    from cifarzoo import factory

    spec = factory.model_info(name)
    if as_json:
        write_json(_record(spec))
        return
    write_fields(
        [
            ("name", spec.name),
            ("what", spec.summary),
            ("paper", spec.paper or NOTHING),
            ("params", f"{millions(spec.params)} for {spec.num_classes} classes"),
            ("MACs", f"{millions(spec.macs)} for one image"),
            ("input", f"{spec.input_size} x {spec.input_size} px, at least {spec.min_size} x {spec.min_size}"),
            ("settings", ", ".join(spec.legal_settings) or NOTHING),
            *(("report", f"{row.row}: {row.top1:.2f} % on {row.dataset}, {row.what}") for row in _report_rows(spec)),
        ]
    )


def _report_rows(spec: ModelSpec) -> list[ReportRow]:
    """The report's results with this model, in the report's order."""
    from cifarzoo.recipes import REPORT

    return [row for row in REPORT if row.model == spec.name]


def _row(spec: ModelSpec) -> tuple[str, ...]:
    """A model as a row of the table."""
    best = max((row.top1 for row in _report_rows(spec)), default=None)
    return (
        spec.name,
        millions(spec.params),
        millions(spec.macs),
        f"{spec.input_size}x{spec.input_size}",
        NOTHING if best is None else f"{best:.2f}",
    )


def _record(spec: ModelSpec) -> dict[str, Any]:
    """A model as JSON."""
    return {
        "name": spec.name,
        "family": spec.family,
        "summary": spec.summary,
        "paper": spec.paper,
        "params": spec.params,
        "macs": spec.macs,
        "num_classes": spec.num_classes,
        "input_size": spec.input_size,
        "min_size": spec.min_size,
        "settings": dict(spec.settings),
        "legal_settings": list(spec.legal_settings),
        "report": [asdict(row) for row in _report_rows(spec)],
    }
