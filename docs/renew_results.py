"""Write the results into the pages that show them: tables from cards and records, and the plot (`make readme`)."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import plot_results

import cifarzoo.models  # noqa: F401  # whose registered settings a command need not say
from cifarzoo import data, recipes
from cifarzoo.cli.output import NOTHING, markdown_table, millions
from cifarzoo.recipes import REPORT, Recipe, ReportRow
from cifarzoo.training.publishing import settings_words
from cifarzoo.weights import Card

ROOT = Path(__file__).parent.parent
CARDS = (ROOT / "cifarzoo" / "weights" / "files", ROOT / "weights-extra")
RECORDS = ROOT / "docs" / "results"
PLOT = ROOT / "docs" / "pictures" / "accuracy-pflop.png"
PAGES = (ROOT / "README.md", ROOT / "docs" / "results.md", ROOT / "docs" / "reproduce.md")
MARKED = re.compile(r"(<!-- results (\w+): [^\n]* -->\n).*?(<!-- /results -->)", re.DOTALL)
SPECS = [known.spec for known in map(data.entry, data.names()) if known.spec]
TITLES = {spec.name: spec.title for spec in SPECS}
WHOLE = {spec.name: spec.num_classes * spec.per_class["train"] for spec in SPECS}
CLOCK_S = (300, 900, 3600)
SCORES = ("top1", "top1_views")


def read_cards() -> dict[str, Card]:
    """The cards of all weights in the repository, by name, sorted."""
    paths = sorted((path for folder in CARDS for path in folder.glob("*.*.json")), key=lambda path: path.stem)
    return {path.stem: Card.from_json(path.read_bytes(), source=str(path)) for path in paths}


def read_runs() -> list[dict[str, Any]]:
    """The records of training runs on a whole data set, the shorter ones first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDS.glob("*.json"))]
    runs = [one for one in found if isinstance(one, dict) and one.get("kind") == "training run"]
    whole = [run for run in runs if run["train_images"] == WHOLE.get(run["dataset"])]
    return sorted(whole, key=lambda run: (run["dataset"], run["seconds"]))


def read_anchors() -> list[dict[str, Any]]:
    """Published results, each with its source."""
    anchors: list[dict[str, Any]] = json.loads((RECORDS / "anchors.json").read_text(encoding="utf-8"))["anchors"]
    return anchors


def minutes(seconds: float | None) -> str:
    """A time as people say it."""
    if seconds is None:
        return NOTHING
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def number(value: float | None, digits: int = 2) -> str:
    """A number, or nothing."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def processor(name: str | None, threads: int | None, precision: str = "") -> str:
    """Where something was trained."""
    of_threads = None if threads is None else f"{threads} thread{'s' * (threads != 1)}"
    return ", ".join(filter(None, (name, of_threads, precision)))


def weight_of(row: ReportRow, cards: dict[str, Card]) -> tuple[str, Card] | None:
    """The weights that stand against a row of the report: the same model on the same data."""
    same = [(name, card) for name, card in cards.items() if (card.arch, card.dataset) == (row.model, row.dataset)]
    return same[0] if same else None


def report_table(cards: dict[str, Card]) -> str:
    """The report against cifarzoo, row by row, and then what the report has no row for."""
    columns = ("row", "what", "data", "", "params", "epochs", "time", "hardware", "loss", "top-1 %", "6 views %")
    rows = []
    for row in REPORT:
        report_s = row.epochs * row.epoch_s
        facts = (row.row, row.what, TITLES[row.dataset])
        theirs = (millions(row.params), str(row.epochs), minutes(report_s), "RTX 4090", f"{row.loss:g}")
        rows.append((*facts, "report", *theirs, f"{row.top1:.2f}", NOTHING))
        found = weight_of(row, cards)
        if found:
            way = f"by {(found[1].recipe or {}).get('name', 'a recipe of its own')}"
            rows.append((row.row, way, TITLES[row.dataset], f"`{found[0]}`", *_ours(found[1])))
        else:
            rows.append((*facts, f"`{row.model}`", *[NOTHING] * 5, "no weight yet", NOTHING))
    models = {row.model for row in REPORT}
    for name, card in cards.items():
        if card.arch not in models:
            rows.append(
                (NOTHING, "not in the report", TITLES.get(card.dataset or "", NOTHING), f"`{name}`", *_ours(card))
            )
    return markdown_table(columns, rows)


def _ours(card: Card) -> tuple[str, ...]:
    """Weights as the cells of a row."""
    return (
        millions(card.params or 0),
        NOTHING if card.epochs is None else f"{card.epochs:g}",
        minutes(card.seconds),
        processor(card.hardware, card.threads, card.precision or ""),
        number(card.train_loss, 3),
        number(card.top1),
        number(card.top1_views),
    )


def first_screen(cards: dict[str, Card]) -> str:
    """What the README says first: the weights there are, then the report's best beside them."""
    columns = ("weights", "data", "params", "top-1 %", "6 views %", "trained in", "report's best with this model %")
    rows = []
    for name, card in cards.items():
        size, _, time, hardware, _, top1, views = _ours(card)
        cells = (TITLES.get(card.dataset or "", NOTHING), size, top1, views, f"{time}, {hardware}")
        rows.append((f"`{name}`", *cells, number(_best(card.arch, card.dataset))))
    for row in REPORT:
        if weight_of(row, cards) is None and row.top1 == _best(row.model, row.dataset):
            cells = (TITLES[row.dataset], millions(row.params), "no weight yet", NOTHING, NOTHING)
            rows.append((f"`{row.model}`", *cells, number(row.top1)))
    return markdown_table(columns, rows)


def _best(model: str, dataset: str | None) -> float | None:
    """The best that the report reached with a model."""
    return max((row.top1 for row in REPORT if (row.model, row.dataset) == (model, dataset)), default=None)


def seeds_table(cards: dict[str, Card]) -> str:
    """The results of several seeds."""
    rows = []
    for name, card in cards.items():
        seeds = card.seeds or {}
        if seeds.get("n", 0) > 1:
            cells = [
                f"{seeds[f'{key}_mean']:.2f} ± {seeds[f'{key}_std']:.2f}" if key in seeds else NOTHING for key in SCORES
            ]
            rows.append((f"`{name}`", str(seeds["n"]), *cells, str(card.seed), f"{number(card.pflop, 3)}"))
    columns = ("weights", "seeds", "top-1 %", "6 views %", "published", "PFLOP a seed")
    return markdown_table(columns, rows) if rows else "None yet."


def anchor_table() -> str:
    """The published results of the plot, with their sources."""
    columns = ("what", "data", "params", "PFLOP", "epochs", "time", "top-1 %", "views", "source")
    rows = []
    for anchor in read_anchors():
        size = NOTHING if anchor["params"] is None else millions(anchor["params"])
        time = f"{anchor['time']}, {anchor['hardware']}" if anchor["time"] else NOTHING
        source = f"{anchor['source']} ({anchor['note']})" if anchor["note"] else anchor["source"]
        pflop = NOTHING if anchor["pflop"] is None else f"{anchor['pflop']:g}"
        cells = (size, pflop, f"{anchor['epochs']:g}", time, number(anchor["top1"]), str(anchor["views"]), source)
        rows.append((anchor["name"], TITLES[anchor["dataset"]], *cells))
    return markdown_table(columns, rows)


def clock_table() -> str:
    """The best single-view accuracy of the runs that were ended by that clock, or, without any, took about so long."""
    rows, runs = [], read_runs()
    for dataset in dict.fromkeys(run["dataset"] for run in runs):
        of_set = [run for run in runs if run["dataset"] == dataset]
        rows.append((TITLES[dataset], *(number(_best_after(limit, of_set)) for limit in CLOCK_S)))
    return markdown_table(("top-1 % after about", *(f"{limit / 60:.0f} min" for limit in CLOCK_S)), rows)


def _best_after(limit_s: int, runs: list[dict[str, Any]]) -> float | None:
    """One cell of it."""
    by_clock = [run for run in runs if run["recipe"].get("seconds") == limit_s]
    near = by_clock or [run for run in runs if abs(run["seconds"] / limit_s - 1) < 0.15]
    return max((run["top1"] for run in near), default=None)


def runs_table() -> str:
    """How far each recorded run got in its time."""
    columns = (
        "data",
        "time",
        "model",
        "params",
        "recipe",
        "epochs",
        "PFLOP",
        "top-1 %",
        "6 views %",
        "seed",
        "processor",
    )
    rows = [
        (
            TITLES[run["dataset"]],
            minutes(run["seconds"]),
            f"`{run['model']}`",
            millions(run["params"]),
            str(run["recipe"]["name"]),
            f"{run['epochs']:g}",
            number(run.get("pflop"), 3),
            number(run["top1"]),
            number(run.get("top1_views")),
            str(run["seed"]),
            processor(*(run["environment"].get(key) for key in ("hardware", "threads", "precision"))),
        )
        for run in read_runs()
    ]
    return markdown_table(columns, rows) if rows else "None yet."


def commands_table(cards: dict[str, Card]) -> str:
    """The command that makes each row."""
    rows = [(f"`{name}`", f"`{card.command}`" if card.command else "no single command") for name, card in cards.items()]
    made = {(card.arch, card.dataset) for card in cards.values()}
    for row in REPORT:
        done = "" if (row.model, row.dataset) in made else "; no weight yet"
        rows.append(
            (f"{row.row}, the report's way{done}", f"`cifarzoo train --recipe {row.recipe} --root DIR --output RUN`")
        )
    for run in read_runs():
        what = f"`{run['model']}`, {TITLES[run['dataset']]}, {minutes(run['seconds'])}"
        rows.append((what, f"`{command_of_run(run)}`"))
    return markdown_table(("row", "command"), rows)


def command_of_run(run: dict[str, Any]) -> str:
    """The command of a recorded run: the recipe of that name as it is now, and what has changed since."""
    made_by = Recipe.from_json(json.dumps(run["recipe"]), source="a record")
    named = recipes.get(made_by.name if made_by.name in recipes.names() else "quick")
    named = named.replace(model=made_by.model, data=made_by.data, seed=made_by.seed)
    words = ["cifarzoo", "train", run["model"], "--data", run["dataset"], "--root", "DIR"]
    words += ["--recipe", named.name, "--seed", str(made_by.seed)]
    before, after = (json.loads(recipe.to_json()) for recipe in (named, made_by))
    for key, value in after.items():
        if key != "name" and value != before[key]:
            words += ["--set", f"{key}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join([*words, *settings_words(run["model"], run["settings"]), "--output", "RUN"])


def texts() -> dict[str, str]:
    """What belongs between the marks of each name."""
    cards = read_cards()
    return {
        "report": report_table(cards),
        "first": first_screen(cards),
        "seeds": seeds_table(cards),
        "anchors": anchor_table(),
        "clock": clock_table(),
        "runs": runs_table(),
        "commands": commands_table(cards),
    }


def renewed(page: str, found: dict[str, str]) -> str:
    """A page's text with all that stands between marks written anew."""
    text, count = MARKED.subn(lambda match: f"{match[1]}\n{found[match[2]]}\n\n{match[3]}", page)
    if not count:
        raise ValueError("a page must hold the marks of at least one table")
    return text


def plotted() -> list[dict[str, Any]]:
    """The points of the plot."""
    ours = [
        {"name": name, "dataset": card.dataset, "pflop": card.pflop, "top1": top1, "views": views, "ours": True}
        for name, card in read_cards().items()
        for top1, views in ((card.top1, 1), (card.top1_views, card.views))
        if card.pflop is not None and top1 is not None
    ]
    keys = ("name", "dataset", "pflop", "top1", "views")
    theirs = [{**{key: anchor[key] for key in keys}, "ours": False} for anchor in read_anchors() if anchor["pflop"]]
    return [*theirs, *ours]


def main() -> None:
    """Renew all pages, and the plot where its points have changed."""
    found = texts()
    for path in PAGES:
        path.write_text(renewed(path.read_text(encoding="utf-8"), found), encoding="utf-8")
    plot_results.draw(plotted(), PLOT, titles=TITLES)


if __name__ == "__main__":
    main()
