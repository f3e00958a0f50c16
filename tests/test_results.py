"""The pages of results say what the cards and the records say."""

from __future__ import annotations

import itertools
import json
import runpy
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure
from PIL import Image

from cifarzoo.cli.choice import choose_recipe
from cifarzoo.recipes import REPORT, Recipe
from cifarzoo.weights import Card

ROOT = Path(__file__).parent.parent
CARD = Card(
    arch="wide_residual_cnn",
    tag="cifar10",
    dataset="cifar10",
    num_classes=10,
    params=11_026_794,
    epochs=12.5,
    seconds=7300,
    hardware="a processor",
    threads=2,
    train_loss=0.5,
    top1=95.432,
    top1_views=96.1,
    views=6,
    pflop=1.5,
    seed=0,
    seeds={"n": 2, "seeds": [0, 1], "top1": [95.0, 95.8], "top1_mean": 95.4, "top1_std": 0.57},
    command="cifarzoo train wide_residual_cnn --recipe long",
)


@pytest.fixture(scope="module")
def script() -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        yield runpy.run_path(str(ROOT / "docs" / "renew_results.py"))


@pytest.fixture(scope="module")
def plot() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "plot_results.py"))


@pytest.mark.parametrize("page", ["README.md", "docs/results.md", "docs/reproduce.md"])
def test_page_is_current(script: dict[str, Any], page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert script["renewed"](text, script["texts"]()) == text, "run `make readme`"


def test_plot_is_current(script: dict[str, Any], plot: dict[str, Any]) -> None:
    with Image.open(script["PLOT"]) as picture:
        assert picture.info["Description"] == plot["digest"](script["plotted"]()), "run `make readme`"


def test_a_plot_is_known_by_its_points(plot: dict[str, Any], tmp_path: Path) -> None:
    points = [{"name": "a", "dataset": "cifar10", "pflop": 1.0, "top1": 90.0, "views": 1, "ours": True}]
    plot["draw"](points, tmp_path / "a.png", titles={"cifar10": "one", "tiny_imagenet": "two"})
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.info["Description"] == plot["digest"](points)
    assert plot["digest"]([{**points[0], "top1": 90.1}]) != plot["digest"](points)


def test_names_make_way_for_points_and_for_the_frame(plot: dict[str, Any]) -> None:
    def turned(*places: tuple[float, float], views: int = 1) -> list[tuple[float, str]]:
        axes = Figure(figsize=(4, 4), dpi=100).add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1))
        point = {"name": "a long name", "ours": True, "views": views}
        plot["write_names"](axes, [{**point, "pflop": x, "top1": y} for x, y in places])
        return [(text.get_rotation(), text.get_ha()) for text in axes.texts]

    assert turned((0.4, 0.4)) == [(40, "left")]
    assert turned((0.4, 0.4), (0.5, 0.484)) == [(320, "left"), (40, "left")]
    assert turned((0.4, 0.95)) == [(320, "left")]
    assert turned((0.95, 0.4)) == [(320, "right")]
    assert turned((0.4, 0.4), views=6) == []  # the single view of the same weights bears the name


def test_every_row_of_the_report_is_there_with_its_numbers(script: dict[str, Any]) -> None:
    lines = script["report_table"]({}).splitlines()
    for row in REPORT:
        theirs, ours = (line for line in lines if line.startswith(f"| {row.row} |"))
        assert f"| {row.top1:.2f} |" in theirs
        assert f"| {row.params / 1e6:.2f}M | {row.epochs} |" in theirs
        assert f"`{row.model}`" in ours
        assert "no weight yet" in ours


def test_a_weight_fills_its_rows(script: dict[str, Any]) -> None:
    cards = {"wide_residual_cnn.cifar10": CARD, "speednet.cifar10": replace(CARD, arch="speednet", seeds=None)}
    numbers = "| 11.03M | 12.5 | 2.0 h | a processor, 2 threads | 0.500 | 95.43 | 96.10 |"
    lines = [line for line in script["report_table"](cards).splitlines() if numbers in line]
    assert [line.split(" | ")[0] for line in lines] == ["| T4", "| T5", "| T6", "| -"]
    assert lines[-1].count("`speednet.cifar10`") == 1
    first = script["first_screen"](cards)
    assert "| 95.43 | 96.10 | 2.0 h, a processor, 2 threads | 92.61 |" in first
    assert "`wide_residual_cnn`" not in first
    assert "`resnet17` | CIFAR-10 | 53.24M | no weight yet" in first
    assert "| 2 | 95.40 ± 0.57 | - | 0 | 1.500 |" in script["seeds_table"](cards)
    commands = script["commands_table"](cards)
    assert CARD.command in commands
    assert "| T4, the report's way |" in commands
    assert "| T2, the report's way; no weight yet |" in commands


def test_a_runs_command_makes_its_recipe_again(script: dict[str, Any]) -> None:
    runs = script["read_runs"]()
    for run in runs:
        words = shlex.split(script["command_of_run"](run))
        options = list(itertools.pairwise(words))
        changes = [value for key, value in options if key == "--set"]
        recipe = choose_recipe(
            dict(options)["--recipe"], model=run["model"], data=run["dataset"], seed=run["seed"], settings=changes
        )
        made_by = Recipe.from_json(json.dumps(run["recipe"]), source="a record")
        assert recipe.replace(name=made_by.name, model=made_by.model, data=made_by.data) == made_by
    assert len(runs) > 5


def test_runs_by_the_clock_come_before_those_that_took_about_so_long(script: dict[str, Any]) -> None:
    longer = {"seconds": 336.0, "top1": 93.0, "recipe": {"seconds": None}}
    by_clock = {"seconds": 301.0, "top1": 92.0, "recipe": {"seconds": 300}}
    assert script["_best_after"](300, [longer, by_clock]) == 92.0
    assert script["_best_after"](300, [longer]) == 93.0
    assert script["_best_after"](900, [longer, by_clock]) is None


def test_every_published_result_has_its_source(script: dict[str, Any]) -> None:
    anchors = script["read_anchors"]()
    assert len({anchor["name"] for anchor in anchors}) == len(anchors) > 10
    for anchor in anchors:
        assert anchor["source"]
        assert anchor["dataset"] in script["TITLES"]
        assert 50 < anchor["top1"] < 100
        assert anchor["pflop"] is None or anchor["pflop"] > 0


def test_a_page_without_marks_is_refused(script: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="marks"):
        script["renewed"]("# A page\n", script["texts"]())
