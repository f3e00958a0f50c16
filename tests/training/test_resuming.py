from __future__ import annotations

import copy
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from cifarzoo.errors import ResumeError
from cifarzoo.recipes import Recipe
from cifarzoo.training.resuming import ResumeWarning, check_same_run, warn_of_changes

RECIPE = Recipe()
ENVIRONMENT: dict[str, Any] = {
    "versions": {"torch": "2.14", "python": "3.11"},
    "threads": 2,
    "world_size": 1,
    "model": {"arch": "resnet17", "layout": "a" * 64},
    "train": {"fingerprint": "b" * 64, "images": 10},
    "test": {"fingerprint": "c", "images": 5},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "recipe.json").write_text(RECIPE.to_json())
    (tmp_path / "environment.json").write_text(json.dumps(ENVIRONMENT))
    return tmp_path


def changed(path: str, value: object) -> dict[str, Any]:
    environment = copy.deepcopy(ENVIRONMENT)
    *outer, last = path.split(".")
    values = environment
    for key in outer:
        values = values[key]
    values[last] = value
    return environment


def test_the_same_run_passes_silently(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_same_run(folder, RECIPE, ENVIRONMENT)
        warn_of_changes(folder, ENVIRONMENT)


def test_a_tuple_is_the_list_that_json_made_of_it(folder: Path) -> None:
    (folder / "environment.json").write_text(json.dumps(changed("model.settings", {"widths": (8, 8)})))
    check_same_run(folder, RECIPE, changed("model.settings", {"widths": (8, 8)}))
    with pytest.raises(ResumeError, match="widths"):
        check_same_run(folder, RECIPE, changed("model.settings", {"widths": (8, 9)}))


@pytest.mark.parametrize(
    "path, value",
    [
        ("model.arch", "x"),
        ("model.layout", "d" * 64),
        ("train.images", 9),
        ("test", None),
        ("holdout", {"images": 3}),
        ("world_size", 2),
    ],
)
def test_another_model_or_data_set_is_refused(folder: Path, path: str, value: object) -> None:
    with pytest.raises(ResumeError, match=path) as caught:
        check_same_run(folder, RECIPE, changed(path, value))
    assert len(str(caught.value)) < 400 + len(str(folder))


def test_another_recipe_is_refused_and_all_that_differs_is_named(folder: Path) -> None:
    with pytest.raises(ResumeError, match=r"recipe\.epochs was 10, is 11; recipe\.lr was 0\.1, is 0\.2"):
        check_same_run(folder, RECIPE.replace(lr=0.2, epochs=11), ENVIRONMENT)


@pytest.mark.parametrize("path, value", [("versions.torch", "3.0"), ("threads", 1)])
def test_other_threads_or_torch_give_a_warning_only(folder: Path, path: str, value: object) -> None:
    check_same_run(folder, RECIPE, changed(path, value))
    with pytest.warns(ResumeWarning, match=f"{path} was .*, is {value!r}"):
        warn_of_changes(folder, changed(path, value))


def test_what_decides_nothing_is_not_mentioned(folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_changes(folder, changed("versions.python", "3.13"))


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_folder_whose_records_are_gone(folder: Path, content: str | None) -> None:
    if content is None:
        (folder / "recipe.json").unlink()
    else:
        (folder / "recipe.json").write_text(content)
    with pytest.raises(ResumeError, match=r"recipe\.json.*never"):
        check_same_run(folder, RECIPE, ENVIRONMENT)


def test_fields_that_came_later_have_their_defaults(folder: Path) -> None:
    values = json.loads(RECIPE.to_json())
    del values["shrink"]
    (folder / "recipe.json").write_text(json.dumps(values))
    check_same_run(folder, RECIPE, ENVIRONMENT)
    with pytest.raises(ResumeError, match=r"recipe\.shrink was 'resize', is 'window'"):
        check_same_run(folder, RECIPE.replace(shrink="window"), ENVIRONMENT)


def test_a_recipe_of_a_later_version_is_refused(folder: Path) -> None:
    (folder / "recipe.json").write_text(json.dumps({**json.loads(RECIPE.to_json()), "wings": 2}))
    with pytest.raises(ResumeError, match=r"recipe\.json.*wings.*never"):
        check_same_run(folder, RECIPE, ENVIRONMENT)
